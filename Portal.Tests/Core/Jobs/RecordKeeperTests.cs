using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Jobs;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Jobs;

/// <summary>What grows with use goes when it is old enough; what is young, or still told of, stays.</summary>
public sealed class RecordKeeperTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Old_sign_ins_go_but_each_accounts_last_success(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (busy, idle) = (await AccountAsync(database, "busy"), await AccountAsync(database, "idle"));
        await database.WriteAsync(db =>
        {
            for (var i = 0; i < 1200; i++) db.SignIns.Add(SignInOf(busy, -200 * 24, i % 2 == 0 ? SignInResultKind.Succeeded : SignInResultKind.WrongPassword));
            db.SignIns.Add(SignInOf(busy, -89 * 24, SignInResultKind.Succeeded));
            db.SignIns.Add(SignInOf(busy, -91 * 24, SignInResultKind.Succeeded));
            db.SignIns.Add(SignInOf(idle, -300 * 24, SignInResultKind.Succeeded));
            db.SignIns.Add(SignInOf(idle, -301 * 24, SignInResultKind.Succeeded));
            db.SignIns.Add(SignInOf(idle, -299 * 24, SignInResultKind.WrongPassword));
        });
        var before = TestDatabase.Start.AddDays(-90);
        var (first, removed) = await database.Get<RecordRemover>().RemoveSignInsAsync(before, default, Cancel);
        Assert.True(first is not null && removed is > 0 and <= RecordRemover.MaxRows);

        await RunAsync(database);

        var left = await database.ReadAsync(db => db.SignIns.AsNoTracking().OrderBy(s => s.At).Select(s => new { s.AccountId, s.At }).ToListAsync());
        Assert.Equal([(idle, TestDatabase.Start.AddDays(-300)), (busy, TestDatabase.Start.AddDays(-89))], left.Select(s => (s.AccountId, s.At)));
    }

    [Theory, BothDatabases]
    public async Task Links_ended_sessions_and_finished_work_go_in_turns(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (month, now) = (TestDatabase.Start.AddDays(-30), TestDatabase.Start);
        await database.WriteAsync(db =>
        {
            for (var i = 0; i < 600; i++)
            {
                db.OneTimeLinks.Add(LinkOf(month.AddMinutes(-1 - i), i % 2 == 0 ? month.AddDays(-1) : null));
                db.EndedSessions.Add(new EndedSession { Id = Guid.NewGuid(), ExpiresAt = now.AddMinutes(-1 - i) });
                db.SessionUses.Add(new SessionUse { Id = Guid.NewGuid(), SeenAt = now.AddHours(-1), ExpiresAt = now.AddMinutes(-1 - i) });
                db.Work.Add(WorkOf(i % 2 == 0 ? WorkState.Done : WorkState.Failed, month.AddMinutes(-1 - i)));
            }

            db.OneTimeLinks.Add(LinkOf(month.AddMinutes(1), null));
            db.EndedSessions.Add(new EndedSession { Id = Guid.NewGuid(), ExpiresAt = now.AddMinutes(1) });
            db.SessionUses.Add(new SessionUse { Id = Guid.NewGuid(), SeenAt = now, ExpiresAt = now.AddMinutes(1) });
            db.Work.Add(WorkOf(WorkState.Done, month.AddMinutes(1)));
            db.Work.Add(WorkOf(WorkState.Pending, null));
        });
        var remover = database.Get<RecordRemover>();
        Assert.Equal((500, 500, 500, 500), (await remover.RemoveLinksAsync(month, Cancel), await remover.RemoveSessionsAsync(now, Cancel), await remover.RemoveSessionUsesAsync(now, Cancel), await remover.RemoveWorkAsync(month, Cancel)));

        await RunAsync(database);

        Assert.Equal((1, 1, 1, 2), await database.ReadAsync(async db => (await db.OneTimeLinks.CountAsync(), await db.EndedSessions.CountAsync(), await db.SessionUses.CountAsync(), await db.Work.CountAsync())));
    }

    // SQLite's planner asks no statistics; PostgreSQL's rather walks a table as small as a test's.
    [Fact]
    public async Task No_turn_reads_a_table_whole()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        var accounts = Enumerable.Range(0, 300).Select(i => new Account { UserName = $"a{i}", NormalizedUserName = $"a{i}" }).ToList();
        await database.WriteAsync(db =>
        {
            db.Accounts.AddRange(accounts);
            for (var i = 0; i < 3000; i++)
            {
                db.SignIns.Add(SignInOf(accounts[i % accounts.Count].Id, -i, SignInResultKind.Succeeded));
                db.OneTimeLinks.Add(LinkOf(TestDatabase.Start.AddHours(i), null));
                db.EndedSessions.Add(new EndedSession { Id = Guid.NewGuid(), ExpiresAt = TestDatabase.Start.AddHours(i) });
                db.SessionUses.Add(new SessionUse { Id = Guid.NewGuid(), SeenAt = TestDatabase.Start, ExpiresAt = TestDatabase.Start.AddHours(i) });
                db.Work.Add(WorkOf(WorkState.Done, TestDatabase.Start.AddHours(-i)));
            }
        });

        using var sql = new SqlRecorder(database);
        await RunAsync(database);

        foreach (var plan in await sql.PlansAsync())
            Assert.DoesNotContain(plan.Split('\n'), step => step.StartsWith("SCAN ", StringComparison.Ordinal) && !step.Contains("USING", StringComparison.Ordinal));
    }

    private static Task RunAsync(TestDatabase database) => new RecordKeeper(
        database.Get<RecordRemover>(), database.Get<JobLeases>(), Options.Create(new AccountOptions()), database.Clock, NullLogger<RecordKeeper>.Instance).RunAsync(Cancel);

    private static async Task<Guid> AccountAsync(TestDatabase database, string name)
    {
        var account = new Account { UserName = name, NormalizedUserName = name, DisplayName = name };
        await database.WriteAsync(db => db.Accounts.Add(account));
        return account.Id;
    }

    private static SignIn SignInOf(Guid account, int hours, SignInResultKind result) => new() { AccountId = account, At = TestDatabase.Start.AddHours(hours), Result = result };

    private static OneTimeLink LinkOf(DateTimeOffset expiresAt, DateTimeOffset? usedAt) =>
        new() { Purpose = LinkPurpose.Setup, TokenHash = Guid.NewGuid().ToByteArray(), ExpiresAt = expiresAt, UsedAt = usedAt };

    private static Work WorkOf(WorkState state, DateTimeOffset? endedAt) =>
        new() { Kind = "test", Input = "{}", ActorName = "test", CreatedAt = TestDatabase.Start.AddDays(-60), State = state, EndedAt = endedAt };
}
