using Portal.Core;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Permissions;

public class RoleServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Each_role_tells_how_many_hold_it_and_who_and_where(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (mine, other) = (await database.SeedDomainAsync("mine.test"), await database.SeedDomainAsync("other.test"));
        var anna = await database.AddMailboxAsync("anna@mine.test", null, Role.Helpdesk);
        var bo = await database.AddMailboxAsync("bo@mine.test");
        await database.WriteAsync(db => db.RoleAssignments.AddRange(
            new RoleAssignment { AccountId = bo.AccountId, Role = Role.Helpdesk, DomainId = other.Id },
            new RoleAssignment { AccountId = bo.AccountId, Role = Role.Helpdesk, DomainId = mine.Id },
            new RoleAssignment { AccountId = anna.AccountId, Role = Role.Helpdesk, DomainId = mine.Id }));

        var roles = (await database.Get<RoleService>().ListAsync(Administrator, Cancel)).Value;

        Assert.Equal([(Role.Administrator, 0), (Role.Helpdesk, 2), (Role.Auditor, 0), (Role.User, 2)], roles.Select(r => (r.Role, r.Holders)));
        Assert.All(roles, r => Assert.True(r.IsHoldersExact));
        var holders = await HoldersAsync(Role.Helpdesk);
        Assert.Equal((2, true), (holders.Total, holders.IsTotalExact));
        Assert.Equal([("anna@mine.test", true, "mine.test"), ("bo@mine.test", false, "mine.test other.test")], holders.Rows.Select(h => (h.LoginName, h.IsEverywhere, string.Join(' ', h.Domains))));
        Assert.Equal(["anna@mine.test", "bo@mine.test"], (await HoldersAsync(Role.User)).Rows.Select(h => h.LoginName));
        Assert.Empty((await HoldersAsync(Role.Auditor)).Rows);

        async Task<Page<RoleHolder>> HoldersAsync(Role role) => (await database.Get<RoleService>().HoldersAsync(Administrator, new RoleHolderQuery(role), Cancel)).Value;
    }

    [Theory, BothDatabases]
    public async Task Holders_come_in_pages_either_way(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.SeedDomainAsync();
        foreach (var name in new[] { "c", "a", "b" }) await database.AddMailboxAsync($"{name}@portal.test");

        var last = (await database.Get<RoleService>().HoldersAsync(Administrator, new RoleHolderQuery(Role.User) { Descending = true, Take = 2 }, Cancel)).Value;
        var rest = (await database.Get<RoleService>().HoldersAsync(Administrator, new RoleHolderQuery(Role.User) { Descending = true, Skip = 2, Take = 2 }, Cancel)).Value;

        Assert.Equal(3, last.Total);
        Assert.Equal(["c@portal.test", "b@portal.test"], last.Rows.Select(h => h.LoginName));
        Assert.Equal(["a@portal.test"], rest.Rows.Select(h => h.LoginName));
    }

    [Fact]
    public async Task Who_holds_a_role_is_read_from_its_index()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        using var sql = new SqlRecorder(database);

        await database.Get<RoleService>().HoldersAsync(Administrator, new RoleHolderQuery(Role.Helpdesk), Cancel);
        await database.Get<RoleService>().ListAsync(Administrator, Cancel);

        Assert.All(await sql.PlansAsync(), plan => Assert.DoesNotMatch("SCAN (\\w+\\.)?[\"]?(r|RoleAssignment)\\b(?!.*INDEX)", plan));
        Assert.Contains(await sql.PlansAsync(), plan => plan.Contains("IX_RoleAssignment_Role_AccountId", StringComparison.Ordinal));
    }

    [Theory]
    [BothDatabases(Role.User, HeldIn.Everything, "")]
    [BothDatabases(Role.Auditor, HeldIn.Everything, "")]
    [BothDatabases(Role.Helpdesk, HeldIn.Everything, "")]
    [BothDatabases(Role.Administrator, HeldIn.ItsDomain, "")]
    [BothDatabases(Role.Administrator, HeldIn.Everything, "ListAsync HoldersAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, HeldIn held, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var actor = With(role, held == HeldIn.Everything ? null : domain.Id);
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["ListAsync"] = async () => await database.Get<RoleService>().ListAsync(actor, Cancel),
            ["HoldersAsync"] = async () => await database.Get<RoleService>().HoldersAsync(actor, new RoleHolderQuery(Role.User), Cancel),
        };

        await PermissionMatrix.CheckAsync<RoleService>(calls, allowed);
    }
}
