using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Domains;

public class DomainServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Create_keeps_the_a_label_shows_the_u_label_and_is_audited(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        var created = await database.DomainService().CreateAsync(Administrator, " Bücher.Example. ", null, 1L << 30, Cancel);

        var row = (await database.DomainService().GetAsync(Administrator, created.Value, Cancel)).Value;
        Assert.Equal(("xn--bcher-kva.example", "bücher.example", 1L << 30), (row.Name, row.DisplayName, row.DefaultQuotaBytes));
        var entry = Assert.Single(await database.ReadAsync(db => db.Audit.ToListAsync(Cancel)));
        Assert.Equal(("domain.create", "bücher.example", "administrator@portal.test", "192.0.2.7"), (entry.Action, entry.Target, entry.ActorName, entry.ClientAddress));
        Assert.Null(entry.Before);
        Assert.Contains("xn--bcher-kva.example", entry.After, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_domain_there_already_is_refused_in_either_form(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.DomainService();
        await service.CreateAsync(Administrator, "bücher.example", null, null, Cancel);

        var again = await service.CreateAsync(Administrator, "XN--BCHER-KVA.example", null, null, Cancel);

        Assert.Equal("DomainTaken", Assert.IsType<Conflict>(again.Refusal).Key);
    }

    [Theory, BothDatabases]
    public async Task Of_many_who_add_one_domain_at_once_exactly_one_wins(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.DomainService();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(() => service.CreateAsync(Administrator, "race.example", null, null, Cancel), Cancel)));

        Assert.Single(outcomes, o => o.IsDone);
        Assert.All(outcomes.Where(o => !o.IsDone), o => Assert.Equal("DomainTaken", Assert.IsType<Conflict>(o.Refusal).Key));
        Assert.Single(await database.AuditedActionsAsync());
    }

    [Theory]
    [BothDatabases("")]
    [BothDatabases("nodots")]
    [BothDatabases("-a.example")]
    [BothDatabases("a..example")]
    [BothDatabases("exa mple.org")]
    [BothDatabases("user@example.org")]
    [BothDatabases("[192.0.2.1]")]
    [BothDatabases("192.0.2.1")]
    public async Task A_name_that_is_no_domain_is_refused_at_its_field(DatabaseKind kind, string name)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        var outcome = await database.DomainService().CreateAsync(Administrator, name, null, null, Cancel);

        var refusal = Assert.IsType<Invalid>(outcome.Refusal);
        Assert.Equal(("DomainNameInvalid", "Name"), (refusal.Key, refusal.Field));
    }

    [Theory, BothDatabases]
    public async Task An_alias_domain_stands_for_a_domain_but_not_for_another_alias(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.DomainService();
        var main = (await service.CreateAsync(Administrator, "portal.test", null, null, Cancel)).Value;

        var alias = (await service.CreateAsync(Administrator, "portal.example", main, null, Cancel)).Value;
        var second = await service.CreateAsync(Administrator, "portal.net", alias, null, Cancel);
        var unknown = await service.CreateAsync(Administrator, "portal.org", Guid.CreateVersion7(), null, Cancel);

        Assert.Equal("portal.test", (await service.GetAsync(Administrator, alias, Cancel)).Value.AliasOf);
        Assert.Equal("AliasDomainOfAliasDomain", second.Refusal?.Key);
        Assert.Equal("NotFoundDomain", unknown.Refusal?.Key);
        Assert.Equal(["portal.test"], (await service.ChoicesAsync(Administrator, Capability.ManageAliases, Cancel)).Value.Select(c => c.Name));
    }

    [Theory, BothDatabases]
    public async Task Disable_and_quota_tell_before_and_after_and_raise_the_directory(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var heard = new List<Change>();
        using var ear = database.Feed.Subscribe((change, _) => heard.Add(change));

        var disabled = await database.DomainService().SetDisabledAsync(Administrator, domain.Id, true, Cancel);
        var quota = await database.DomainService().SetDefaultQuotaAsync(Administrator, domain.Id, 1, 5000, Cancel);
        var same = await database.DomainService().SetDefaultQuotaAsync(Administrator, domain.Id, 2, 5000, Cancel);

        Assert.True(disabled.IsDone && quota.IsDone && same.IsDone);
        var entries = await database.ReadAsync(db => db.Audit.OrderBy(a => a.Id).ToListAsync(Cancel));
        Assert.Equal(["domain.disable", "domain.quota.set"], entries.Select(e => e.Action));
        Assert.Equal(("""{"isDisabled":false}""", """{"isDisabled":true}"""), (entries[0].Before, entries[0].After));
        Assert.Equal(("""{"defaultQuotaBytes":null}""", """{"defaultQuotaBytes":5000}"""), (entries[1].Before, entries[1].After));
        Assert.Equal([Change.Directory, Change.Audit, Change.Directory, Change.Audit], heard);
        Assert.Equal(2, (await database.DomainService().GetAsync(Administrator, domain.Id, Cancel)).Value.Version);
    }

    [Theory, BothDatabases]
    public async Task A_quota_below_zero_is_refused_and_leaves_no_trace(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();

        var outcome = await database.DomainService().SetDefaultQuotaAsync(Administrator, domain.Id, 0, -1, Cancel);

        Assert.Equal("QuotaNegative", outcome.Refusal?.Key);
        Assert.Empty(await database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task Only_an_empty_domain_can_be_deleted(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var empty = await database.SeedDomainAsync("empty.test");
        var full = await database.SeedDomainAsync("full.test");
        await database.SeedMailboxAsync(full, "anna");

        var gone = await database.DomainService().DeleteAsync(Administrator, empty.Id, Cancel);
        var kept = await database.DomainService().DeleteAsync(Administrator, full.Id, Cancel);

        Assert.True(gone.IsDone);
        Assert.Equal("DomainNotEmpty", kept.Refusal?.Key);
        Assert.Equal(["full.test"], await database.ReadAsync(db => db.Domains.Select(d => d.Name).ToListAsync(Cancel)));
        Assert.Equal(["domain.delete empty.test"], await database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task Outside_the_scope_reads_as_not_found_and_a_new_domain_is_nobodys_yet(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var mine = await database.SeedDomainAsync("mine.test");
        var other = await database.SeedDomainAsync("other.test");
        var scoped = With(Role.Administrator, mine.Id);
        var service = database.DomainService();

        Assert.Equal("NotFoundDomain", (await service.GetAsync(scoped, other.Id, Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundDomain", (await service.SetDisabledAsync(scoped, other.Id, true, Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundDomain", (await service.DeleteAsync(scoped, other.Id, Cancel)).Refusal?.Key);
        Assert.True((await service.SetDisabledAsync(scoped, mine.Id, true, Cancel)).IsDone);
        Assert.Equal("NotPermitted", (await service.CreateAsync(scoped, "third.test", null, null, Cancel)).Refusal?.Key);
        Assert.Equal(["mine.test"], (await service.SearchAsync(scoped, new DomainQuery(), Cancel)).Value.Rows.Select(r => r.Name));
    }

    [Theory, BothDatabases]
    public async Task Search_finds_either_form_counts_what_it_holds_and_pages(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.DomainService();
        foreach (var name in new[] { "bücher.example", "alpha.test", "beta.test" }) await service.CreateAsync(Administrator, name, null, null, Cancel);
        await database.SeedMailboxAsync(await database.ReadAsync(db => db.Domains.SingleAsync(d => d.Name == "beta.test", Cancel)), "anna");

        Assert.Equal("bücher.example", Assert.Single((await service.SearchAsync(Administrator, new DomainQuery { Text = "BÜCH" }, Cancel)).Value.Rows).DisplayName);
        Assert.Equal(1, Assert.Single((await service.SearchAsync(Administrator, new DomainQuery { Text = "beta" }, Cancel)).Value.Rows).Mailboxes);
        var page = (await service.SearchAsync(Administrator, new DomainQuery { Skip = 1, Take = 1 }, Cancel)).Value;
        Assert.Equal((3, true, "beta.test"), (page.Total, page.IsTotalExact, Assert.Single(page.Rows).Name));
    }

    /// <summary>Each role against each method; a method that is not in the list fails the last line.</summary>
    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "SearchAsync GetAsync FindAsync")]
    [BothDatabases(Role.Administrator, "SearchAsync GetAsync FindAsync ChoicesAsync CreateAsync SetDisabledAsync SetDefaultQuotaAsync SetTransportAsync DeleteAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var service = database.DomainService();
        var actor = With(role);
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["SearchAsync"] = async () => await service.SearchAsync(actor, new DomainQuery(), Cancel),
            ["GetAsync"] = async () => await service.GetAsync(actor, domain.Id, Cancel),
            ["FindAsync"] = async () => await service.FindAsync(actor, "Portal.Test.", Cancel),
            ["ChoicesAsync"] = async () => await service.ChoicesAsync(actor, Capability.ManageMailboxes, Cancel),
            ["CreateAsync"] = async () => await service.CreateAsync(actor, "new.test", null, null, Cancel),
            ["SetDisabledAsync"] = () => service.SetDisabledAsync(actor, domain.Id, true, Cancel),
            ["SetDefaultQuotaAsync"] = () => service.SetDefaultQuotaAsync(actor, domain.Id, 1, 1, Cancel),
            ["SetTransportAsync"] = () => service.SetTransportAsync(actor, domain.Id, 2, MtaStsMode.Enforce, null, Cancel),
            ["DeleteAsync"] = () => service.DeleteAsync(actor, domain.Id, Cancel),
        };

        await PermissionMatrix.CheckAsync<DomainService>(calls, allowed);
    }
}
