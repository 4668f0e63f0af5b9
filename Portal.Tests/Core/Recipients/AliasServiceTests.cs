using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Recipients;

public class AliasServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task An_alias_of_a_mailbox_keeps_its_typed_form_and_is_audited(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var anna = await database.SeedMailboxAsync(domain, "anna");

        var id = await database.AliasService().CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = " Anna.Berg ", MailboxId = anna.Id }, Cancel);

        var address = await database.ReadAsync(db => db.Addresses.SingleAsync(a => a.Id == id.Value, Cancel));
        Assert.Equal(("anna.berg", "Anna.Berg", anna.Id, null), (address.LocalPart, address.Display, address.MailboxId, address.ForwarderId));
        var entry = Assert.Single(await database.ReadAsync(db => db.Audit.ToListAsync(Cancel)));
        Assert.Equal(("alias.create", "anna.berg@portal.test", """{"mailbox":"anna@portal.test"}"""), (entry.Action, entry.Target, entry.After));
    }

    [Theory, BothDatabases]
    public async Task A_forwarder_takes_local_and_external_targets_folds_them_and_drops_doubles(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.SeedMailboxAsync(domain, "anna");

        var id = await database.AliasService().CreateAsync(Administrator, Forward(domain.Id, "info", "Anna@portal.test", "ANNA@PORTAL.TEST", "bo@bücher.example"), Cancel);

        var detail = (await database.AliasService().GetAsync(Administrator, id.Value, Cancel)).Value;
        Assert.Equal(["anna@portal.test", "bo@xn--bcher-kva.example"], detail.Targets);
        Assert.Equal("info@portal.test", detail.Address);
    }

    [Theory, BothDatabases]
    public async Task A_domain_has_one_catch_all(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var anna = await database.SeedMailboxAsync(domain, "anna");
        var content = new AliasContent { DomainId = domain.Id, MailboxId = anna.Id };

        var first = await database.AliasService().CreateAsync(Administrator, content, Cancel);
        var second = await database.AliasService().CreateAsync(Administrator, content, Cancel);

        Assert.Equal("*@portal.test", (await database.AliasService().GetAsync(Administrator, first.Value, Cancel)).Value.Address);
        Assert.Equal("CatchAllTaken", second.Refusal?.Key);
    }

    [Theory, BothDatabases]
    public async Task Of_many_who_make_one_address_at_once_exactly_one_wins_and_nothing_is_left_of_the_others(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(n =>
            Task.Run(() => database.AliasService().CreateAsync(Administrator, Forward(domain.Id, n % 2 == 0 ? "sales" : "SALES", $"p{n}@example.org"), Cancel), Cancel)));

        Assert.Single(outcomes, o => o.IsDone);
        Assert.All(outcomes.Where(o => !o.IsDone), o => Assert.Equal("AddressTaken", Assert.IsType<Conflict>(o.Refusal).Key));
        Assert.Equal((1, 1, 1), await database.ReadAsync(async db => (await db.Forwarders.CountAsync(Cancel), await db.ForwarderTargets.CountAsync(Cancel), await db.Audit.CountAsync(Cancel))));
    }

    [Theory]
    [BothDatabases("info", "TargetsMissing")]
    [BothDatabases("info", "TargetInvalid", "no address")]
    [BothDatabases("info", "TargetInvalid", "x@[192.0.2.1]")]
    [BothDatabases("info", "TargetUnknown", "nobody@portal.test")]
    [BothDatabases("info", "TargetLoops", "Info@portal.test")]
    [BothDatabases("info", "TargetLoops", "info+more@portal.test")]
    [BothDatabases("info", "TargetLoops", "info@portal.example")]
    [BothDatabases("", "TargetLoops", "nobody@portal.test")]
    [BothDatabases("two words", "LocalPartInvalid", "anna@portal.test")]
    [BothDatabases(".dot", "LocalPartInvalid", "anna@portal.test")]
    [BothDatabases("anna", "AddressTaken", "bo@example.org")]
    [BothDatabases("Anna", "AddressTaken", "bo@example.org")]
    public async Task Bad_input_gets_a_reason_and_nothing_is_kept(DatabaseKind kind, string localPart, string reason, params string[] targets)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.SeedDomainAsync("portal.example", domain.Id);
        await database.SeedMailboxAsync(domain, "anna");

        var outcome = await database.AliasService().CreateAsync(Administrator, Forward(domain.Id, localPart, targets), Cancel);

        Assert.Equal(reason, outcome.Refusal?.Key);
        Assert.Empty(await database.AuditedActionsAsync());
        Assert.Equal(0, await database.ReadAsync(db => db.Forwarders.CountAsync(Cancel)));
    }

    [Theory, BothDatabases]
    public async Task A_hundred_targets_are_taken_and_one_more_is_refused(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();

        var many = await database.AliasService().CreateAsync(Administrator, Forward(domain.Id, "many", [.. Enumerable.Range(0, 100).Select(n => $"p{n}@example.org")]), Cancel);
        var tooMany = await database.AliasService().CreateAsync(Administrator, Forward(domain.Id, "more", [.. Enumerable.Range(0, 101).Select(n => $"p{n}@example.org")]), Cancel);

        Assert.True(many.IsDone);
        Assert.Equal("TargetsTooMany", tooMany.Refusal?.Key);
    }

    [Theory, BothDatabases]
    public async Task A_circle_over_other_forwarders_is_found(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var service = database.AliasService();
        var a = (await service.CreateAsync(Administrator, Forward(domain.Id, "a", "x@example.org"), Cancel)).Value;
        await service.CreateAsync(Administrator, Forward(domain.Id, "b", "a@portal.test"), Cancel);
        await service.CreateAsync(Administrator, Forward(domain.Id, "c", "b@portal.test"), Cancel);

        var outcome = await service.SetTargetAsync(Administrator, a, 0, null, ["c@portal.test"], Cancel);

        Assert.Equal("TargetLoops", outcome.Refusal?.Key);
    }

    [Theory, BothDatabases]
    public async Task The_target_can_be_changed_both_ways_and_a_stale_form_overwrites_nothing(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var anna = await database.SeedMailboxAsync(domain, "anna");
        var service = database.AliasService();
        var id = (await service.CreateAsync(Administrator, Forward(domain.Id, "info", "a@example.org", "b@example.org"), Cancel)).Value;

        Assert.True((await service.SetTargetAsync(Administrator, id, 0, null, ["b@example.org", "c@example.org"], Cancel)).IsDone);
        Assert.Equal(["b@example.org", "c@example.org"], (await service.GetAsync(Administrator, id, Cancel)).Value.Targets);

        Assert.True((await service.SetTargetAsync(Administrator, id, 1, anna.Id, [], Cancel)).IsDone);
        Assert.Equal("anna@portal.test", (await service.GetAsync(Administrator, id, Cancel)).Value.Mailbox);
        Assert.Equal(0, await database.ReadAsync(db => db.Forwarders.CountAsync(Cancel)));

        Assert.Equal("ChangedByOthers", (await service.SetTargetAsync(Administrator, id, 1, null, ["x@example.org"], Cancel)).Refusal?.Key);

        Assert.True((await service.SetTargetAsync(Administrator, id, 2, null, ["x@example.org"], Cancel)).IsDone);
        Assert.Equal(["x@example.org"], (await service.GetAsync(Administrator, id, Cancel)).Value.Targets);
        var last = await database.ReadAsync(db => db.Audit.OrderBy(a => a.Id).LastAsync(Cancel));
        Assert.Equal(("""{"mailbox":"anna@portal.test"}""", """{"targets":["x@example.org"]}"""), (last.Before, last.After));
    }

    [Theory, BothDatabases]
    public async Task Delete_gives_back_what_undo_needs(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var service = database.AliasService();
        var id = (await service.CreateAsync(Administrator, Forward(domain.Id, "Info", "a@example.org", "b@example.org"), Cancel)).Value;

        var deleted = await service.DeleteAsync(Administrator, id, Cancel);
        Assert.Equal((0, 0), await database.ReadAsync(async db => (await db.Addresses.CountAsync(Cancel), await db.ForwarderTargets.CountAsync(Cancel))));
        var restored = await service.RestoreAsync(Administrator, deleted.Value, Cancel);

        var detail = (await service.GetAsync(Administrator, restored.Value, Cancel)).Value;
        Assert.Equal("Info@portal.test", detail.Address);
        Assert.Equal(["a@example.org", "b@example.org"], detail.Targets);
        Assert.Equal(["alias.create info@portal.test", "alias.delete info@portal.test", "alias.restore info@portal.test"], await database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task The_list_searches_address_and_target_and_shows_no_mailboxs_own_name(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var other = await database.SeedDomainAsync("other.test");
        var anna = await database.SeedMailboxAsync(domain, "anna");
        var service = database.AliasService();
        await service.CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = "berg", MailboxId = anna.Id }, Cancel);
        await service.CreateAsync(Administrator, Forward(domain.Id, "info", "x@example.org", "a@example.net"), Cancel);
        await service.CreateAsync(Administrator, Forward(other.Id, "", "anna@portal.test"), Cancel);

        async Task<string[]> Find(AliasQuery query) => [.. (await service.SearchAsync(Administrator, query, Cancel)).Value.Rows.Select(r => r.Address)];

        Assert.Equal(["*@other.test", "berg@portal.test", "info@portal.test"], await Find(new AliasQuery()));
        Assert.Equal(["info@portal.test", "berg@portal.test"], await Find(new AliasQuery { DomainId = domain.Id, Descending = true }));
        Assert.Equal(["info@portal.test"], await Find(new AliasQuery { Text = "X@EXAMPLE" }));
        Assert.Equal(["berg@portal.test"], await Find(new AliasQuery { Text = "erg@portal" }));
        Assert.Equal(["*@other.test", "berg@portal.test"], await Find(new AliasQuery { Text = "anna@" }));
        Assert.Equal(["berg@portal.test"], await Find(new AliasQuery { Kind = AliasKind.Mailbox }));
        Assert.Equal(["berg@portal.test"], await Find(new AliasQuery { MailboxId = anna.Id }));
        var info = (await service.SearchAsync(Administrator, new AliasQuery { Text = "info" }, Cancel)).Value;
        Assert.Equal((1, "a@example.net", 2), (info.Total, info.Rows[0].FirstTarget, info.Rows[0].Targets));
    }

    [Theory, BothDatabases]
    public async Task Outside_the_scope_reads_as_not_found_mailboxes_of_others_too(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var mine = await database.SeedDomainAsync("mine.test");
        var other = await database.SeedDomainAsync("other.test");
        var bo = await database.SeedMailboxAsync(other, "bo");
        var service = database.AliasService();
        var theirs = (await service.CreateAsync(Administrator, Forward(other.Id, "info", "x@example.org"), Cancel)).Value;
        var scoped = With(Role.Administrator, mine.Id);

        Assert.Equal("NotFoundAlias", (await service.GetAsync(scoped, theirs, Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundAlias", (await service.DeleteAsync(scoped, theirs, Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundAlias", (await service.SetTargetAsync(scoped, theirs, 0, null, ["x@example.org"], Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundDomain", (await service.CreateAsync(scoped, Forward(other.Id, "new", "x@example.org"), Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundMailbox", (await service.CreateAsync(scoped, new AliasContent { DomainId = mine.Id, LocalPart = "bo", MailboxId = bo.Id }, Cancel)).Refusal?.Key);
        Assert.Empty((await service.SearchAsync(scoped, new AliasQuery(), Cancel)).Value.Rows);
    }

    [Theory, BothDatabases]
    public async Task An_alias_domain_has_no_addresses_of_its_own(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var alias = await database.SeedDomainAsync("portal.example", domain.Id);

        var outcome = await database.AliasService().CreateAsync(Administrator, Forward(alias.Id, "info", "x@example.org"), Cancel);

        Assert.Equal("AddressInAliasDomain", outcome.Refusal?.Key);
    }

    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "SearchAsync GetAsync")]
    [BothDatabases(Role.Administrator, "SearchAsync GetAsync CreateAsync RestoreAsync SetTargetAsync DeleteAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var service = database.AliasService();
        var id = (await service.CreateAsync(Administrator, Forward(domain.Id, "info", "x@example.org"), Cancel)).Value;
        var actor = With(role);
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["SearchAsync"] = async () => await service.SearchAsync(actor, new AliasQuery(), Cancel),
            ["GetAsync"] = async () => await service.GetAsync(actor, id, Cancel),
            ["CreateAsync"] = async () => await service.CreateAsync(actor, Forward(domain.Id, "new", "x@example.org"), Cancel),
            ["RestoreAsync"] = async () => await service.RestoreAsync(actor, Forward(domain.Id, "old", "x@example.org"), Cancel),
            ["SetTargetAsync"] = () => service.SetTargetAsync(actor, id, 0, null, ["y@example.org"], Cancel),
            ["DeleteAsync"] = async () => await service.DeleteAsync(actor, id, Cancel),
        };

        await PermissionMatrix.CheckAsync<AliasService>(calls, allowed);
    }

    private static AliasContent Forward(Guid domainId, string localPart, params string[] targets) => new() { DomainId = domainId, LocalPart = localPart, Targets = targets };
}
