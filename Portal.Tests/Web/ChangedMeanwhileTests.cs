using AngleSharp.Dom;
using Bunit;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Accounts;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Tests.Core;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Accounts;
using Portal.Web.Admin.Aliases;
using Portal.Web.Admin.Domains;
using Portal.Web.Admin.Mailboxes;
using Portal.Web.Admin.Routes;

namespace Portal.Tests.Web;

/// <summary>Two people change one thing: the second sees both versions and says which one stands (PORTAL §5).</summary>
public class ChangedMeanwhileTests
{
    private static readonly Actor Other = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [BothDatabases("Save yours", 3L << 30, 2)]
    [BothDatabases("Keep theirs", 2L << 30, 1)]
    public async Task Both_quotas_are_shown_and_the_one_chosen_stands(DatabaseKind kind, string answer, long stands, int version)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var anna = await database.AddMailboxAsync("anna@portal.test", 1L << 30);
        var form = await OpenQuotaAsync(bed, database, anna);
        Assert.True((await database.Get<MailboxService>().SetQuotaAsync(Other, anna.MailboxId, 0, 2L << 30, Cancel)).IsDone);

        await SaveQuotaAsync(form, "3 GB");
        Assert.Equal(["Quota | 3 GB | 2 GB"], bed.Compared());
        Assert.Equal((2L << 30, 1), await QuotaAsync(database, anna));   // nothing before the answer
        bed.Press(answer);

        await form.WaitForAssertionAsync(() => Assert.Empty(form.FindAll("form")));
        Assert.Equal((stands, version), await QuotaAsync(database, anna));
    }

    [Theory, BothDatabases]
    public async Task Without_an_answer_the_typed_quota_stays_in_the_form_and_the_next_save_asks_again(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var anna = await database.AddMailboxAsync("anna@portal.test", 1L << 30);
        var form = await OpenQuotaAsync(bed, database, anna);
        Assert.True((await database.Get<MailboxService>().SetQuotaAsync(Other, anna.MailboxId, 0, 2L << 30, Cancel)).IsDone);

        await SaveQuotaAsync(form, "3 GB");
        bed.Compared();
        bed.Press("Go on editing");
        await bed.Dialogs.WaitForAssertionAsync(() => Assert.Empty(bed.Dialogs.FindAll(".mud-dialog")));

        Assert.Equal("3 GB", form.Find("form input").GetAttribute("value"));
        await SaveQuotaAsync(form, "4 GB");
        Assert.Equal(["Quota | 4 GB | 2 GB"], bed.Compared());
        Assert.Equal((2L << 30, 1), await QuotaAsync(database, anna));
    }

    [Theory, BothDatabases]
    public async Task What_was_changed_beside_it_or_to_the_same_value_asks_nobody(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var anna = await database.AddMailboxAsync("anna@portal.test", 1L << 30);
        var form = await OpenQuotaAsync(bed, database, anna);
        Assert.True((await database.Get<MailboxService>().RenameAsync(Other, anna.MailboxId, 0, "Anna Berg", Cancel)).IsDone);

        await SaveQuotaAsync(form, "3 GB");

        await form.WaitForAssertionAsync(() => Assert.Empty(form.FindAll("form")));
        Assert.Equal((3L << 30, 2), await QuotaAsync(database, anna));
        Assert.Equal("Anna Berg", await database.ReadAsync(db => db.Mailboxes.Where(m => m.Id == anna.MailboxId).Select(m => m.Name).SingleAsync(Cancel)));
        Assert.Empty(bed.Dialogs.FindAll(".mud-dialog"));
    }

    [Fact]
    public async Task Both_names_are_shown()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var form = bed.Render<MailboxSummary>(p => p.Add(f => f.Mailbox, Detail(database, anna)));
        await form.Find("[data-edit]").ClickAsync(new());
        Assert.True((await database.Get<MailboxService>().RenameAsync(Other, anna.MailboxId, 0, "Anna Berg", Cancel)).IsDone);

        await form.Find("form input").InputAsync(new() { Value = "Anna Bergmann" });
        var saving = form.Find("[type=submit]").ClickAsync(new());

        Assert.Equal(["Name | Anna Bergmann | Anna Berg"], bed.Compared());
        bed.Press("Save yours");
        await saving;
        Assert.Equal("Anna Bergmann", await database.ReadAsync(db => db.Mailboxes.Where(m => m.Id == anna.MailboxId).Select(m => m.Name).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Both_quotas_of_new_mailboxes_are_shown()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        var id = await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var domain = (await database.Get<DomainService>().GetAsync(Other, id, Cancel)).Value;
        var form = bed.Render<DomainPolicy>(p => p.Add(f => f.Domain, domain));
        await form.WaitForElement("[data-edit]").ClickAsync(new());
        Assert.True((await database.Get<DomainService>().SetDefaultQuotaAsync(Other, id, 0, 1L << 30, Cancel)).IsDone);

        await form.Find("form input").InputAsync(new() { Value = "5 GB" });
        var saving = form.Find("[type=submit]").ClickAsync(new());

        Assert.Single(bed.Compared(), row => row.EndsWith("| 5 GB | 1 GB", StringComparison.Ordinal));
        bed.Press("Keep theirs");
        await saving;
        Assert.Equal(1L << 30, await database.ReadAsync(db => db.Domains.Select(d => d.DefaultQuotaBytes).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Ticks_stay_while_somebody_else_gives_roles_and_both_sets_are_shown()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var panel = bed.Render<SignInPanel>(p => p.Add(f => f.AccountId, anna.AccountId));
        IElement Tick(string role) => panel.FindAll("label.check").Single(l => l.TextContent.Trim() == role).QuerySelector("input")!;
        await panel.WaitForAssertionAsync(() => Assert.NotEmpty(panel.FindAll("label.check")));
        await Tick("Helpdesk").ChangeAsync(new() { Value = true });
        Assert.True((await database.Get<AccountService>().SetRolesAsync(Other, anna.AccountId, 0, [Role.Auditor], Cancel)).IsDone);
        database.Clock.Advance(TimeSpan.FromSeconds(1));   // the page has read it by now

        await panel.WaitForAssertionAsync(() => Assert.Contains(panel.FindAll("button"), b => b.TextContent.Trim() == "Save roles"));
        var saving = panel.FindAll("button").Single(b => b.TextContent.Trim() == "Save roles").ClickAsync(new());

        Assert.Equal(["Roles | Helpdesk | Auditor"], bed.Compared());
        bed.Press("Save yours");
        await saving;
        Assert.Equal([Role.Helpdesk], await database.ReadAsync(db => db.RoleAssignments.Where(r => r.AccountId == anna.AccountId).Select(r => r.Role).ToListAsync(Cancel)));
    }

    [Fact]
    public async Task Both_targets_of_an_alias_are_shown()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        var domain = await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var aliases = database.Get<AliasService>();
        var id = (await aliases.CreateAsync(Other, new AliasContent { DomainId = domain, LocalPart = "info", Targets = ["a@example.org"] }, Cancel)).Value;
        var form = bed.Render<AliasForm>(p => p.Add(f => f.Id, id).Add(f => f.Domains, []));
        await form.WaitForAssertionAsync(() => Assert.NotEmpty(form.FindAll("textarea")));
        Assert.True((await aliases.SetTargetAsync(Other, id, 0, null, ["b@example.org", "c@example.org"], Cancel)).IsDone);

        await form.Find("textarea").InputAsync(new() { Value = "a@example.org\nd@example.org" });
        var saving = form.Find("[type=submit]").ClickAsync(new());

        Assert.Single(bed.Compared(), row => row.EndsWith("| a@example.org, d@example.org | b@example.org, c@example.org", StringComparison.Ordinal));
        bed.Press("Save yours");
        await saving;
        Assert.Equal(["a@example.org", "d@example.org"], (await aliases.GetAsync(Other, id, Cancel)).Value.Targets);
    }

    [Fact]
    public async Task Of_a_route_only_the_values_that_differ_are_shown()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, services => services.AddSingleton<IRouteProbe>(new NoProbe()));
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var routes = database.Get<RouteService>();
        var draft = new RouteDraft { Name = "out", Host = "smart.example", Port = 25 };
        var id = (await routes.CreateAsync(Other, draft, Cancel)).Value;
        var drawer = bed.Render<RouteDrawer>(p => p.Add(f => f.Route, (routes.GetAsync(Other, id, Cancel).GetAwaiter().GetResult()).Value));
        Assert.True((await routes.UpdateAsync(Other, id, draft with { Host = "other.example", Port = 2525 }, 0, Cancel)).IsDone);

        await drawer.FindAll("input").First(i => i.GetAttribute("value") == "out").InputAsync(new() { Value = "outgoing" });
        var saving = drawer.FindAll("button").Single(b => b.TextContent.Trim() == "Save").ClickAsync(new());

        Assert.Equal(["Host name or IP address | smart.example | other.example", "Port | 25 | 2525"], bed.Compared());
        bed.Press("Keep theirs");
        await saving;
        var now = (await routes.GetAsync(Other, id, Cancel)).Value;
        Assert.Equal(("out", "other.example", 2525), (now.Name, now.Host, now.Port));
    }

    private static MailboxDetail Detail(TestDatabase database, CreatedMailbox mailbox) => database.Get<MailboxListService>().GetAsync(Other, mailbox.MailboxId, Cancel).GetAwaiter().GetResult().Value;

    private static async Task<IRenderedComponent<MailboxQuota>> OpenQuotaAsync(PageBed bed, TestDatabase database, CreatedMailbox mailbox)
    {
        var detail = (await database.Get<MailboxListService>().GetAsync(Other, mailbox.MailboxId, Cancel)).Value;
        var form = bed.Render<MailboxQuota>(p => p.Add(f => f.Mailbox, detail));
        await form.Find("[data-edit]").ClickAsync(new());
        return form;
    }

    /// <summary>Returns when the save is done or asks.</summary>
    private static async Task SaveQuotaAsync(IRenderedComponent<MailboxQuota> form, string text)
    {
        await form.Find("form input").InputAsync(new() { Value = text });
        form.Find("[type=submit]").Click();
    }

    private static Task<(long?, int)> QuotaAsync(TestDatabase database, CreatedMailbox mailbox) =>
        database.ReadAsync(async db => await db.Mailboxes.AsNoTracking().SingleAsync(m => m.Id == mailbox.MailboxId, Cancel) is var m ? (m.QuotaOverrideBytes, m.Version) : default);
}
