using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Jobs;

public class WorkRunnerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_turn_that_meets_an_outage_is_taken_again_and_what_it_did_is_not_doubled(DatabaseKind kind)
    {
        var work = new Counting(AwayFor(kind));
        await using var database = await StartAsync(kind, work);
        var runner = database.Get<WorkRunner>();

        work.FailsAtTurn = 2;
        await Assert.ThrowsAnyAsync<Exception>(() => runner.RunPendingAsync(Cancel));
        var after = await database.ReadAsync(db => db.Work.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal((WorkState.Running, "1", 1L, (string?)null), (after.State, after.Cursor, after.DoneRows, after.Error));

        work.FailsAtTurn = 0;
        await runner.RunPendingAsync(Cancel);
        after = await database.ReadAsync(db => db.Work.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal((WorkState.Done, 3L), (after.State, after.DoneRows));
        Assert.Equal(3, await database.ReadAsync(db => db.Settings.CountAsync(s => s.Key.StartsWith("test."), Cancel)));
    }

    [Theory, BothDatabases]
    public async Task A_bug_ends_the_work_with_its_cause(DatabaseKind kind)
    {
        var work = new Counting(new InvalidOperationException("A bug of the test's.")) { FailsAtTurn = 1 };
        await using var database = await StartAsync(kind, work);

        await database.Get<WorkRunner>().RunPendingAsync(Cancel);

        var after = await database.ReadAsync(db => db.Work.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal((WorkState.Failed, nameof(InvalidOperationException)), (after.State, after.Error));
    }

    private static Exception AwayFor(DatabaseKind kind) => kind == DatabaseKind.Sqlite
        ? new DbUpdateException("x", new SqliteException("database is locked", 5))
        : new InvalidOperationException("x", new PostgresException("deadlock detected", "ERROR", "ERROR", PostgresErrorCodes.DeadlockDetected));

    private static async Task<TestDatabase> StartAsync(DatabaseKind kind, Counting work)
    {
        var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IWorkKind>(work));
        await database.WriteAsync(db => db.Work.Add(new Work { Kind = work.Kind, Input = "{}", ActorName = "test", CreatedAt = TestDatabase.Start, TotalRows = 3 }));
        return database;
    }

    /// <summary>Three turns of one row each; one of them throws after it has changed something.</summary>
    private sealed class Counting(Exception failure) : IWorkKind
    {
        public string Kind => "test.counting";

        public int FailsAtTurn { get; set; }

        public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
        {
            var turn = work.Cursor is null ? 1 : int.Parse(work.Cursor, System.Globalization.CultureInfo.InvariantCulture) + 1;
            db.Settings.Add(new Setting { Key = $"test.{turn}", Value = "done" });
            await db.SaveChangesAsync(cancel);
            if (turn == FailsAtTurn) throw failure;
            return new WorkTurn(turn == 3 ? null : $"{turn}", 1);
        }
    }
}
