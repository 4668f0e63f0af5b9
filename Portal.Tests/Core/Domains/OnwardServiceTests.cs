using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Domains;

/// <summary>Where the mailboxes of a domain are: who may say so, what stands in the way, and where its mail then goes.</summary>
public sealed class OnwardServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);
    private static readonly Onward Old = new() { Kind = DomainKind.Shared, Host = "OLD.portal.test", Port = 2525, Tls = RouteTls.Required, Check = RecipientCheck.Listed };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task What_is_set_is_shown_audited_and_survives_and_an_alias_domain_follows(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        var alias = (await database.DomainService().CreateAsync(Administrator, "alias.test", domain, null, Cancel)).Value;

        Assert.True((await Service(database).SetAsync(Administrator, domain, 0, Old, Cancel)).IsDone);

        var row = (await database.DomainService().GetAsync(Administrator, domain, Cancel)).Value;
        Assert.Equal((Old with { Host = "old.portal.test" }, 1), (row.Onward, row.Version));
        Assert.Equal(row.Onward, (await database.DomainService().GetAsync(Administrator, alias, Cancel)).Value.Onward);
        Assert.Equal("domain.onward.set portal.test", (await database.AuditedActionsAsync())[^1]);
        var routes = database.Get<RouteSelector>();
        Assert.Equal("old.portal.test:2525", await routes.RouteKeyForAsync("", "x@portal.test", Cancel));
        Assert.Equal("old.portal.test:2525", await routes.RouteKeyForAsync("", "x@alias.test", Cancel));
        Assert.True((await Service(database).SetAsync(Administrator, domain, 1, Onward.None, Cancel)).IsDone);
        Assert.Equal("portal.test", await routes.RouteKeyForAsync("", "x@portal.test", Cancel));
    }

    [Theory, BothDatabases]
    public async Task The_host_of_a_domain_goes_before_every_route_lest_a_smart_host_send_it_back(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var shared = await database.AddDomainAsync();
        var relayed = (await database.DomainService().CreateAsync(Administrator, "backup.test", null, null, new Onward { Kind = DomainKind.Relayed }, Cancel)).Value;
        await Service(database).SetAsync(Administrator, shared, 0, Old, Cancel);
        await database.WriteAsync(db => db.Routes.Add(new Route { Name = "all", Host = "smart.test" }));

        var routes = database.Get<RouteSelector>();

        Assert.Equal(new RouteChoice("backup.test", null), await routes.ChooseAsync("", "x@backup.test", Cancel));
        Assert.Equal("old.portal.test:2525", await routes.RouteKeyForAsync("a@b.test", "x@portal.test", Cancel));
        Assert.Equal("smart.test:25", await routes.RouteKeyForAsync("a@b.test", "x@elsewhere.test", Cancel));
        Assert.Equal(DomainKind.Relayed, (await database.DomainService().GetAsync(Administrator, relayed, Cancel)).Value.Onward.Kind);
        Assert.Equal(["backup.test"], (await database.DomainService().SearchAsync(Administrator, new DomainQuery { Kind = DomainKind.Relayed }, Cancel)).Value.Rows.Select(r => r.Name));
    }

    [Theory]
    [BothDatabases("", 25, "OnwardHostMissing")]
    [BothDatabases("not a host", 25, "RouteHost")]
    [BothDatabases("-a.test", 25, "RouteHost")]
    [BothDatabases("old.test", 0, "RoutePort")]
    [BothDatabases("old.test", 65536, "RoutePort")]
    public async Task A_host_that_can_be_none_is_refused(DatabaseKind kind, string host, int port, string key)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();

        var set = await Service(database).SetAsync(Administrator, domain, 0, new Onward { Kind = DomainKind.Shared, Host = host, Port = port }, Cancel);
        var made = await database.DomainService().CreateAsync(Administrator, "other.test", null, null, new Onward { Kind = DomainKind.Shared, Host = host, Port = port }, Cancel);

        Assert.Equal((key, key), (set.Refusal?.Key, made.Refusal?.Key));
    }

    [Theory, BothDatabases]
    public async Task What_would_lose_mail_stands_in_the_way(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        var alice = await database.AddMailboxAsync("alice@portal.test");
        var alias = (await database.DomainService().CreateAsync(Administrator, "alias.test", domain, null, Cancel)).Value;
        var aliases = database.Get<AliasService>();
        var all = (await aliases.CreateAsync(Administrator, new AliasContent { DomainId = domain, LocalPart = "", Targets = ["alice@portal.test"] }, Cancel)).Value;

        async Task<string?> SetAsync(Guid id, DomainKind to) => (await Service(database).SetAsync(Administrator, id, 0, new Onward { Kind = to, Host = "old.test" }, Cancel)).Refusal?.Key;

        Assert.Equal("SharedHasCatchAll", await SetAsync(domain, DomainKind.Shared));
        await aliases.DeleteAsync(Administrator, all, Cancel);
        Assert.Equal("RelayedHoldsAddresses", await SetAsync(domain, DomainKind.Relayed));
        Assert.Equal("OnwardOfAliasDomain", await SetAsync(alias, DomainKind.Shared));
        Assert.Null(await SetAsync(domain, DomainKind.Shared));
        Assert.Equal("CatchAllInSharedDomain", (await aliases.CreateAsync(Administrator, new AliasContent { DomainId = domain, LocalPart = "", Targets = ["alice@portal.test"] }, Cancel)).Refusal?.Key);
        Assert.Equal("ChangedByOthers", await SetAsync(domain, DomainKind.Relayed));
        Assert.NotNull(alice);
    }

    [Theory, BothDatabases]
    public async Task A_relayed_domain_takes_no_mailbox_and_no_alias_and_is_not_offered_for_one(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var relayed = (await database.DomainService().CreateAsync(Administrator, "backup.test", null, null, new Onward { Kind = DomainKind.Relayed }, Cancel)).Value;

        var mailbox = await database.Get<MailboxService>().CreateAsync(Administrator, new NewMailbox("x@backup.test", "X", FirstCredential.Given, "correct horse battery"), Cancel);
        var alias = await database.Get<AliasService>().CreateAsync(Administrator, new AliasContent { DomainId = relayed, LocalPart = "y", Targets = ["z@elsewhere.test"] }, Cancel);

        Assert.Equal(("AddressInRelayedDomain", "AddressInRelayedDomain"), (mailbox.Refusal?.Key, alias.Refusal?.Key));
        Assert.Empty((await database.DomainService().ChoicesAsync(Administrator, Capability.ManageMailboxes, Cancel, holdsMailboxes: true)).Value);
        Assert.Single((await database.DomainService().ChoicesAsync(Administrator, Capability.ManageMailboxes, Cancel)).Value);
    }

    [Theory, BothDatabases]
    public async Task An_alias_may_lead_to_a_name_that_the_other_host_has(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        var content = new AliasContent { DomainId = domain, LocalPart = "sales", Targets = ["carol@portal.test"] };
        Assert.Equal("TargetUnknown", (await database.Get<AliasService>().CreateAsync(Administrator, content, Cancel)).Refusal?.Key);

        await Service(database).SetAsync(Administrator, domain, 0, Old with { Check = RecipientCheck.Asked }, Cancel);

        Assert.True((await database.Get<AliasService>().CreateAsync(Administrator, content, Cancel)).IsDone);
        var resolution = await database.Get<RecipientDirectory>().ResolveAsync(MailAddress.Parse("sales@portal.test"), 0, Cancel);
        Assert.Equal((RecipientState.Ok, "carol@portal.test"), (resolution.State, Assert.Single(resolution.Relays)));
    }

    [Theory, BothDatabases]
    public async Task Nobody_without_routes_everywhere_sends_a_domains_mail_elsewhere(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        foreach (var actor in (Actor[])[With(Role.Administrator, domain), With(Role.Helpdesk), With(Role.Auditor), With(Role.User)])
        {
            Assert.Equal("NotPermitted", (await Service(database).SetAsync(actor, domain, 0, Old, Cancel)).Refusal?.Key);
            Assert.Equal("NotPermitted", (await database.DomainService().CreateAsync(actor, "own.test", null, null, Old, Cancel)).Refusal?.Key);
        }

        Assert.Equal(DomainKind.Hosted, (await database.DomainService().GetAsync(Administrator, domain, Cancel)).Value.Onward.Kind);
    }

    private static OnwardService Service(TestDatabase database) => database.Get<OnwardService>();
}
