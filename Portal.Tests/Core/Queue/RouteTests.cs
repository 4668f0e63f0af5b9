using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core;
using Portal.Core.Addresses;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Queue;

public sealed class RouteTests
{
    private static readonly Actor Admin = Organisation.With(Role.Administrator);
    private static readonly RouteDraft All = new() { Name = "everything", Host = "relay.example", Port = 587, Tls = RouteTls.Required, UserName = "portal", Password = "s3cret-of-the-relay" };

    [Theory, BothDatabases]
    public async Task The_sender_chooses_before_the_recipients_domain_before_all(DatabaseKind kind)
    {
        await using var database = await StartAsync(kind);
        var selector = database.Get<RouteSelector>();
        Assert.Equal("example.org", await KeyAsync("alice@portal.test", "bob@example.org"));

        await CreateAsync(database, All);
        await CreateAsync(database, All with { Name = "domain", Match = RouteMatch.RecipientDomain, Pattern = "Bücher.example", Host = "b.example", Port = 25 });
        await CreateAsync(database, All with { Name = "ours", Match = RouteMatch.Sender, Pattern = "@portal.test", Host = "s.example", Port = 25 });
        await CreateAsync(database, All with { Name = "alice", Match = RouteMatch.Sender, Pattern = "Alice@portal.test", Host = "a.example", Port = 25 });

        Assert.Equal("relay.example:587", await KeyAsync("x@elsewhere.test", "bob@example.org"));
        Assert.Equal("b.example:25", await KeyAsync("x@elsewhere.test", "bob@xn--bcher-kva.example"));
        Assert.Equal("s.example:25", await KeyAsync("carol@portal.test", "bob@xn--bcher-kva.example"));
        Assert.Equal("a.example:25", await KeyAsync("ALICE@portal.test", "bob@example.org"));
        Assert.Equal("relay.example:587", await KeyAsync("", "bob@example.org"));   // no sender route matches the null reverse-path

        ValueTask<string> KeyAsync(string from, string to) => selector.RouteKeyForAsync(from, to, CancellationToken.None);
    }

    [Theory, BothDatabases]
    public async Task A_change_counts_at_once(DatabaseKind kind)
    {
        await using var database = await StartAsync(kind);
        var id = await CreateAsync(database, All);
        Assert.Equal("relay.example:587", await database.Get<RouteSelector>().RouteKeyForAsync("a@b.test", "bob@example.org", CancellationToken.None));

        await database.Get<RouteService>().SetDisabledAsync(Admin, id, isDisabled: true, CancellationToken.None);
        Assert.Equal("example.org", await database.Get<RouteSelector>().RouteKeyForAsync("a@b.test", "bob@example.org", CancellationToken.None));
    }

    [Theory, BothDatabases]
    public async Task The_password_is_sealed_kept_and_never_sent_to_another_host(DatabaseKind kind)
    {
        await using var database = await StartAsync(kind);
        var service = database.Get<RouteService>();
        var id = await CreateAsync(database, All);

        var stored = await database.ReadAsync(db => db.Routes.AsNoTracking().SingleAsync());
        Assert.Equal(-1, stored.SealedPassword.AsSpan().IndexOf(Encoding.UTF8.GetBytes(All.Password!)));
        Assert.True((await service.GetAsync(Admin, id, CancellationToken.None)).Value.HasPassword);
        Assert.DoesNotContain(await database.ReadAsync(db => db.Audit.Select(a => a.After).ToListAsync()), after => after!.Contains("s3cret", StringComparison.Ordinal));

        Assert.True((await service.UpdateAsync(Admin, id, All with { Name = "renamed", Password = null }, 0, CancellationToken.None)).IsDone);
        Assert.Equal(stored.SealedPassword, await database.ReadAsync(db => db.Routes.Select(r => r.SealedPassword).SingleAsync()));
        Assert.Equal("RoutePasswordForNewHost", (await service.UpdateAsync(Admin, id, All with { Host = "evil.example", Password = null }, 1, CancellationToken.None)).Refusal?.Key);
        Assert.Equal("ChangedByOthers", (await service.UpdateAsync(Admin, id, All, 0, CancellationToken.None)).Refusal?.Key);

        await service.TestAsync(Admin, id, CancellationToken.None);
        Assert.Equal(("relay.example", "s3cret-of-the-relay"), ((FakeProbe)database.Get<IRouteProbe>()).Asked);
        Assert.True((await service.DeleteAsync(Admin, id, CancellationToken.None)).IsDone);
        Assert.Equal(["route.create everything", "route.update renamed", "route.test renamed", "route.delete renamed"], await database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task Two_routes_for_the_same_mail_are_refused(DatabaseKind kind)
    {
        await using var database = await StartAsync(kind);
        await CreateAsync(database, All);

        Assert.Equal("RouteForSameMail", (await database.Get<RouteService>().CreateAsync(Admin, All with { Name = "again" }, CancellationToken.None)).Refusal?.Key);
    }

    [Theory]
    [BothDatabases("name", "RouteNameLength")]
    [BothDatabases("domain", "RouteDomainPattern")]
    [BothDatabases("sender", "RouteSenderPattern")]
    [BothDatabases("host", "RouteHost")]
    [BothDatabases("port", "RoutePort")]
    [BothDatabases("clear", "RoutePasswordNeedsTls")]
    public async Task A_bad_route_is_refused_by_name(DatabaseKind kind, string what, string key)
    {
        await using var database = await StartAsync(kind);
        var draft = what switch
        {
            "name" => All with { Name = "  " },
            "domain" => All with { Match = RouteMatch.RecipientDomain, Pattern = "not a domain" },
            "sender" => All with { Match = RouteMatch.Sender, Pattern = "nobody" },
            "host" => All with { Host = "two words" },
            "port" => All with { Port = 70_000 },
            _ => All with { Tls = RouteTls.Opportunistic },
        };

        Assert.Equal(key, (await database.Get<RouteService>().CreateAsync(Admin, draft, CancellationToken.None)).Refusal?.Key);
        Assert.Equal(0, await database.ReadAsync(db => db.Routes.CountAsync()));
    }

    [Theory]
    [BothDatabases(Role.Helpdesk)]
    [BothDatabases(Role.Auditor)]
    [BothDatabases(Role.User)]
    public async Task Who_may_not_manage_routes_is_refused(DatabaseKind kind, Role role)
    {
        await using var database = await StartAsync(kind);
        var (service, actor) = (database.Get<RouteService>(), Organisation.With(role));

        Assert.IsType<NotPermitted>((await service.ListAsync(actor, CancellationToken.None)).Refusal);
        Assert.IsType<NotPermitted>((await service.CreateAsync(actor, All, CancellationToken.None)).Refusal);
        Assert.IsType<NotPermitted>((await service.DeleteAsync(actor, Guid.NewGuid(), CancellationToken.None)).Refusal);
        Assert.IsType<NotPermitted>((await service.TestAsync(actor, Guid.NewGuid(), CancellationToken.None)).Refusal);
    }

    private static Task<TestDatabase> StartAsync(DatabaseKind kind) => TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, FakeProbe>());

    private static async Task<Guid> CreateAsync(TestDatabase database, RouteDraft draft) => (await database.Get<RouteService>().CreateAsync(Admin, draft, CancellationToken.None)).Value;

    private sealed class FakeProbe : IRouteProbe
    {
        public (string Host, string? Password) Asked { get; private set; }

        public Task<RouteProbeResult> ProbeAsync(Route route, string? password, CancellationToken cancel)
        {
            Asked = (route.Host, password);
            return Task.FromResult(new RouteProbeResult(ProbeStage.Done, null, null, null, null, [], TimeSpan.Zero));
        }
    }
}
