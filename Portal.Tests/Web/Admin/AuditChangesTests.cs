using System.Globalization;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Audit;
using Portal.Web.Components;

namespace Portal.Tests.Web.Admin;

/// <summary>What the audit shows of a change: names and values as people read them, in both languages.</summary>
public sealed class AuditChangesTests : BunitContext, IAsyncLifetime
{
    public AuditChangesTests()
    {
        Services.AddLocalization();
        Services.AddScoped<Display>();
        Services.AddScoped<AuditWording>();
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => base.DisposeAsync();

    [Fact]
    public void A_quota_is_a_size_and_none_is_no_limit()
    {
        Assert.Equal(["Quota", "No limit", "2 GB"], Row("en", "mailbox.quota.set", new { QuotaBytes = (long?)null }, new { QuotaBytes = 2L << 30 }));
        Assert.Equal(["配额", "无限制", "2 GB"], Row("zh-Hans", "mailbox.quota.set", new { QuotaBytes = (long?)null }, new { QuotaBytes = 2L << 30 }));
    }

    [Fact]
    public void An_empty_list_is_none_and_a_full_one_is_read_as_one()
    {
        Assert.Equal(["Roles", "None", "Administrator, Helpdesk"], Row("en", "account.roles.set", Array.Empty<string>(), new[] { "Administrator", "Helpdesk" }));
        Assert.Equal(["角色", "无", "管理员、服务台"], Row("zh-Hans", "account.roles.set", Array.Empty<string>(), new[] { "Administrator", "Helpdesk" }));
        Assert.Equal(["Targets", "a@portal.test, b@portal.test", "None"], Row("en", "alias.change", new { targets = new[] { "a@portal.test", "b@portal.test" } }, new { targets = Array.Empty<string>() }));
    }

    [Fact]
    public void States_times_and_switches_have_their_words()
    {
        Assert.Equal(["State", "Active", "Disabled"], Row("en", "mailbox.disable", new { State = "Active" }, new { State = "Disabled" }));
        Assert.Equal(["Switched off", "No", "Yes"], Row("en", "route.disable", false, true));
        Assert.Equal(["TLS", "None", "STARTTLS required, valid certificate"], Row("en", "route.create", null, new { Tls = nameof(RouteTls.Required) }));
        Assert.Equal(["TLS to our mail host", "Testing", "Enforced"], Row("en", "domain.transport.set", new { mtaStsMode = "Testing" }, new { mtaStsMode = "Enforce" }));
        Assert.Equal(["Days for which senders keep the policy", "As suits the mode", "30"], Row("en", "domain.transport.set", new { mtaStsMaxAgeDays = (int?)null }, new { mtaStsMaxAgeDays = 30 }));
        Assert.Equal(["Can be restored until", "None", "2026-12-24 09:00"], Row("en", "mailbox.delete", null, new { Until = TestDatabase.Start.AddDays(30) }));
    }

    [Fact]
    public void A_filter_tells_what_it_narrows_by_and_an_unknown_value_is_shown_as_it_is()
    {
        Assert.Equal(["Filter", "None", "Text: ann, State: Disabled, Over 90 % full: Yes"], Row("en", "mailbox.bulk", null, new { filter = new MailboxQuery { Text = "ann", State = MailboxState.Disabled, NearlyFull = true } }));
        Assert.Equal(["somethingNew", "[not a list", "{}"], Row("en", "x.y", new { somethingNew = "[not a list" }, new { somethingNew = "{}" }).Select(c => c.Length == 0 ? "{}" : c));
    }

    [Fact]
    public void Every_value_that_is_audited_has_its_name()
    {
        var words = Sources.Words(Sources.ResourceOf("AuditPage")!);
        var shown = new[] { "name", "match", "pattern", "host", "port", "tls", "userName", "hasPassword", "stage", "reply", "aliasOf", "defaultQuotaBytes", "aliasOfId", "isDisabled", "targets", "mailbox", "domain", "administrator", "by", "slowedNetworks", "displayName", "language", "timeZone", "scheme", "quotaBytes", "roles", "state", "until", "deletedAt", "action", "filter", "rows", "itemId", "mailboxes", "mtaStsMode", "mtaStsMaxAgeDays" };

        Assert.All(shown, name => Assert.Contains($"Value_{name}", words.Keys));
    }

    private List<string> Row(string language, string action, object? before, object? after)
    {
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(language);
        var table = Render<AuditChanges>(p => p.Add(c => c.Entry, AuditEntry.Change(Actor.Operator(), TestDatabase.Start, action, "t", before, after)));
        return [.. table.FindAll("tbody tr th, tbody tr td").Select(c => c.TextContent)];
    }
}
