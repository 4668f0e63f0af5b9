using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Accounts;

/// <summary>An administrator always stays, whoever takes them away, how, and however many at once.</summary>
public class LastAdministratorTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task The_last_administrator_is_neither_disabled_nor_deleted_nor_robbed_of_the_role(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        var (ada, bea) = (await AddAsync(database, "ada"), await AddAsync(database, "bea"));
        var (mailboxes, bulk) = (database.Get<MailboxService>(), database.Get<MailboxBulkService>());
        Assert.True((await mailboxes.DisableAsync(Actor.Operator(), bea.MailboxId, Cancel)).IsDone);   // a disabled one administers nothing

        Assert.Equal("LastAdministrator", (await mailboxes.DisableAsync(Actor.Operator(), ada.MailboxId, Cancel)).Refusal?.Key);
        Assert.Equal("LastAdministrator", (await mailboxes.DeleteAsync(Actor.Operator(), ada.MailboxId, Cancel)).Refusal?.Key);
        Assert.Equal("LastAdministrator", (await SetRolesAsync(database, Actor.Operator(), ada.AccountId)).Refusal?.Key);
        var left = (await bulk.ApplyAsync(Actor.Operator(), MailboxSelection.Of(ada.MailboxId), new(MailboxAct.Disable), Cancel)).Value;
        Assert.Equal((0, "LastAdministrator"), (left.Done, Assert.Single(left.Refused).Key));
        Assert.True((await mailboxes.DeleteAsync(Actor.Operator(), bea.MailboxId, Cancel)).IsDone);
    }

    [Theory, BothDatabases]
    public async Task Of_many_administrators_disabled_in_one_act_one_stays(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        foreach (var name in new[] { "ada", "bea", "cleo" }) await AddAsync(database, name);

        var done = (await database.Get<MailboxBulkService>().ApplyAsync(Actor.Operator(), MailboxSelection.Matching(new MailboxQuery()), new(MailboxAct.Disable), Cancel)).Value;

        Assert.Equal((2, "LastAdministrator"), (done.Done, Assert.Single(done.Refused).Key));
        Assert.Single(await AdministratorsAsync(database));
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, "roles", "roles")]
    [InlineData(DatabaseKind.Postgres, "roles", "roles")]
    [InlineData(DatabaseKind.Postgres, "disable", "disable")]
    [InlineData(DatabaseKind.Postgres, "delete", "disable")]
    [InlineData(DatabaseKind.Postgres, "bulk", "roles")]
    [InlineData(DatabaseKind.Sqlite, "bulk", "delete")]
    public async Task Two_administrators_who_take_each_other_away_at_the_same_moment_leave_one(DatabaseKind kind, string hers, string his)
    {
        await using var database = await SeedAsync(kind);
        for (var round = 0; round < 8; round++)
        {
            var (ada, ben) = (await AddAsync(database, $"ada{round}"), await AddAsync(database, $"ben{round}"));
            using var start = new Barrier(2);

            var outcomes = await Task.WhenAll(
                Task.Run(() => TakeAwayAsync(database, start, hers, As(ada, $"ada{round}"), ben), Cancel),
                Task.Run(() => TakeAwayAsync(database, start, his, As(ben, $"ben{round}"), ada), Cancel));

            Assert.Single(outcomes, o => o.IsDone);
            var left = Assert.Single(await AdministratorsAsync(database));
            await database.WriteAsync(db => db.RoleAssignments.RemoveRange(db.RoleAssignments.Where(r => r.AccountId == left)));   // out of the next round's way
        }
    }

    private static async Task<Outcome> TakeAwayAsync(TestDatabase database, Barrier start, string act, Actor actor, CreatedMailbox other)
    {
        start.SignalAndWait(Cancel);
        switch (act)
        {
            case "roles": return await SetRolesAsync(database, actor, other.AccountId);
            case "disable": return await database.Get<MailboxService>().DisableAsync(actor, other.MailboxId, Cancel);
            case "delete": return await database.Get<MailboxService>().DeleteAsync(actor, other.MailboxId, Cancel);
            default:
                var done = await database.Get<MailboxBulkService>().ApplyAsync(actor, MailboxSelection.Of(other.MailboxId), new(MailboxAct.Disable), Cancel);
                return done.Refusal ?? (done.Value.Done == 1 ? Outcome.Done : new Conflict(done.Value.Refused[0].Key));
        }
    }

    private static Task<Outcome> SetRolesAsync(TestDatabase database, Actor actor, Guid accountId) => database.Get<AccountService>().SetRolesAsync(actor, accountId, 0, [], Cancel);

    private static Actor As(CreatedMailbox administrator, string name) =>
        Actor.ForAccount(administrator.AccountId, $"{name}@portal.test", [new HeldRole(Role.Administrator, Scope.Everything)], Channel.Portal, null);

    private static Task<List<Guid>> AdministratorsAsync(TestDatabase database) => database.ReadAsync(db => db.RoleAssignments
        .Where(r => r.Role == Role.Administrator && db.Accounts.Any(a => a.Id == r.AccountId && !a.IsDisabled)).Select(r => r.AccountId).ToListAsync());

    private static async Task<TestDatabase> SeedAsync(DatabaseKind kind)
    {
        var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        return database;
    }

    private static Task<CreatedMailbox> AddAsync(TestDatabase database, string name) => database.AddMailboxAsync($"{name}@portal.test", null, Role.Administrator);
}
