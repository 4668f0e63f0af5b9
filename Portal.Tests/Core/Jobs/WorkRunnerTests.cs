using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Jobs;

public class WorkRunnerTests
{
    private const int Mails = 10;

    /// <summary>Looks that the work of <see cref="Counting"/> takes: one before each turn, and one that finds nothing more.</summary>
    private const int TurnsAndOneMore = 4;

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
    public async Task Work_behind_one_that_meets_an_outage_is_done_all_the_same(DatabaseKind kind)
    {
        var work = new Counting(AwayFor(kind)) { FailsAtTurn = 1, OnlyInput = "first" };
        await using var database = await StartAsync(kind, work, "first", "second");

        await Assert.ThrowsAnyAsync<Exception>(() => database.Get<WorkRunner>().RunPendingAsync(Cancel));

        Assert.Equal([WorkState.Pending, WorkState.Done], await database.ReadAsync(db => db.Work.OrderBy(w => w.Id).Select(w => w.State).ToListAsync(Cancel)));
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

    [Theory, BothDatabases]
    public async Task A_turn_whose_rows_somebody_else_changed_is_taken_again(DatabaseKind kind)
    {
        var work = new Counting(new DbUpdateConcurrencyException("x")) { FailsAtTurn = 2, Failures = 1 };
        await using var database = await StartAsync(kind, work);

        await database.Get<WorkRunner>().RunPendingAsync(Cancel);

        var after = await database.ReadAsync(db => db.Work.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal((WorkState.Done, 3L, (string?)null), (after.State, after.DoneRows, after.Error));
        Assert.Equal(3, await database.ReadAsync(db => db.Settings.CountAsync(s => s.Key.StartsWith("test."), Cancel)));
    }

    [Theory, BothDatabases]
    public async Task A_turn_that_meets_others_changes_again_and_again_waits_for_the_next_round_and_never_fails(DatabaseKind kind)
    {
        var work = new Counting(new DbUpdateConcurrencyException("x")) { FailsAtTurn = 2, OnlyInput = "first" };
        await using var database = await StartAsync(kind, work, "first", "second");

        await database.Get<WorkRunner>().RunPendingAsync(Cancel);

        Assert.Equal([WorkState.Running, WorkState.Done], await database.ReadAsync(db => db.Work.OrderBy(w => w.Id).Select(w => w.State).ToListAsync(Cancel)));
    }

    [Fact]
    public async Task Work_that_another_node_holds_is_left_to_it_and_other_work_done_meanwhile()
    {
        var (held, free) = (new Counting(AwayFor(DatabaseKind.Postgres)) { Holds = new(TaskCreationOptions.RunContinuationsAsynchronously), OnlyInput = "first" }, new Counting(AwayFor(DatabaseKind.Postgres)));
        await using var here = await StartAsync(DatabaseKind.Postgres, held, "first", "second");
        await using var there = here.AnotherNode(services => services.AddSingleton<IWorkKind>(free));
        var running = here.Get<WorkRunner>().RunPendingAsync(Cancel);
        await held.IsHeld.Task.WaitAsync(Cancel);

        await there.Get<WorkRunner>().RunPendingAsync(Cancel);

        Assert.Equal(["second", "second", "second"], free.Taken);
        Assert.Equal([WorkState.Pending, WorkState.Done], await here.ReadAsync(db => db.Work.OrderBy(w => w.Id).Select(w => w.State).ToListAsync(Cancel)));

        held.Holds.SetResult();
        await running;
        Assert.Equal([WorkState.Done, WorkState.Done], await here.ReadAsync(db => db.Work.OrderBy(w => w.Id).Select(w => w.State).ToListAsync(Cancel)));
        Assert.Equal(["first", "first", "first"], held.Taken);
    }

    [Fact]
    public async Task Two_nodes_that_run_the_same_work_at_once_do_each_turn_once_and_fail_none()
    {
        string[] inputs = [.. Enumerable.Range(0, 12).Select(i => $"{i}-")];
        var (one, two) = (new Counting(AwayFor(DatabaseKind.Postgres)), new Counting(AwayFor(DatabaseKind.Postgres)));
        await using var here = await StartAsync(DatabaseKind.Postgres, one, inputs);
        await using var there = here.AnotherNode(services => services.AddSingleton<IWorkKind>(two));

        await Task.WhenAll(Task.Run(() => here.Get<WorkRunner>().RunPendingAsync(Cancel), Cancel), Task.Run(() => there.Get<WorkRunner>().RunPendingAsync(Cancel), Cancel));
        await here.Get<WorkRunner>().RunPendingAsync(Cancel);   // what each left to the other in its last moment

        var after = await here.ReadAsync(db => db.Work.AsNoTracking().ToListAsync(Cancel));
        Assert.All(after, w => Assert.Equal((WorkState.Done, 3L, (string?)null), (w.State, w.DoneRows, w.Error)));
        Assert.Equal(3 * inputs.Length, one.Taken.Count + two.Taken.Count);
    }

    [Theory, BothDatabases]
    public async Task New_work_wakes_it_at_once_and_arriving_mail_does_not(DatabaseKind kind)
    {
        var work = new Counting(AwayFor(kind));
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IWorkKind>(work));
        var mailbox = await AddMailboxAsync(database);
        var (runner, writer) = (database.Get<WorkRunner>(), database.Get<MailWriter>());
        await writer.StartAsync(Cancel);
        using var sql = new SqlRecorder(database);
        await runner.StartAsync(Cancel);   // the clock stands still: its period never comes
        await LooksAsync(sql, 1);

        for (var i = 0; i < Mails; i++) await DeliverAsync(database, mailbox);
        await AddWorkAsync(database, work);
        await LooksAsync(sql, 1 + TurnsAndOneMore);

        Assert.Equal(WorkState.Done, await database.ReadAsync(db => db.Work.Select(w => w.State).SingleAsync(Cancel)));
        Assert.Equal(1 + TurnsAndOneMore, Looks(sql));
        await runner.StopAsync(Cancel);
        await writer.StopAsync(Cancel);
    }

    [Fact]
    public async Task New_work_of_another_node_wakes_it_at_once_and_its_mail_does_not()
    {
        var work = new Counting(AwayFor(DatabaseKind.Postgres));
        await using var there = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        var mailbox = await AddMailboxAsync(there);
        await using var here = there.AnotherNode(services => services.AddSingleton<IWorkKind>(work));
        var heard = new ConcurrentQueue<(Change Area, Guid? MailboxId)>();
        using var hearing = here.Feed.Subscribe((area, id) => heard.Enqueue((area, id)));
        await here.Part<PostgresChangeLink>().StartAsync(Cancel);
        await UntilAsync(() => heard.Any(h => h.Area == Change.Work));   // the link's first look at the counters
        await there.Part<PostgresChangeLink>().StartAsync(Cancel);
        await there.Get<MailWriter>().StartAsync(Cancel);
        using var sql = new SqlRecorder(here);
        var runner = here.Get<WorkRunner>();
        await runner.StartAsync(Cancel);
        await LooksAsync(sql, 1);

        for (var i = 1; i <= Mails; i++)
        {
            await DeliverAsync(there, mailbox);
            await UntilAsync(() => heard.Count(h => h == (Change.Mail, mailbox)) == i);
        }

        await AddWorkAsync(there, work);
        await LooksAsync(sql, 1 + TurnsAndOneMore);

        Assert.Equal(WorkState.Done, await here.ReadAsync(db => db.Work.Select(w => w.State).SingleAsync(Cancel)));
        Assert.Equal(1 + TurnsAndOneMore, Looks(sql));
        await runner.StopAsync(Cancel);
        await there.Get<MailWriter>().StopAsync(Cancel);
        await there.Part<PostgresChangeLink>().StopAsync(Cancel);
        await here.Part<PostgresChangeLink>().StopAsync(Cancel);
    }

    /// <summary>How often the runner has looked for something to do.</summary>
    private static int Looks(SqlRecorder sql) => sql.Commands.Count(c => c.Text.StartsWith("SELECT", StringComparison.Ordinal) && c.Text.Contains("FROM \"Work\"", StringComparison.Ordinal) && c.Text.Contains("ORDER BY", StringComparison.Ordinal));

    private static Task LooksAsync(SqlRecorder sql, int wanted) => UntilAsync(() => Looks(sql) >= wanted);

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!isSo()) await pace.WaitForNextTickAsync(Cancel);
    }

    private static async Task<Guid> AddMailboxAsync(TestDatabase database)
    {
        await database.AddDomainAsync();
        return (await database.AddMailboxAsync("anna@portal.test")).MailboxId;
    }

    private static async Task DeliverAsync(TestDatabase database, Guid mailbox) =>
        Assert.Equal(WriteResult.Committed, await database.Get<MailWriter>().WriteAsync(await database.AcceptanceAsync(Mail.Text, new LocalDelivery(mailbox, SpecialUse.Inbox, MailFlags.None, 0))));

    private static Task AddWorkAsync(TestDatabase database, Counting work) => database.WriteAsync(db =>
    {
        db.Work.Add(new Work { Kind = work.Kind, Input = "", ActorName = "test", CreatedAt = TestDatabase.Start, TotalRows = 3 });
        db.Raise(Change.Work);
    });

    private static Exception AwayFor(DatabaseKind kind) => kind == DatabaseKind.Sqlite
        ? new DbUpdateException("x", new SqliteException("database is locked", 5))
        : new InvalidOperationException("x", new PostgresException("deadlock detected", "ERROR", "ERROR", PostgresErrorCodes.DeadlockDetected));

    private static async Task<TestDatabase> StartAsync(DatabaseKind kind, Counting work, params string[] inputs)
    {
        var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IWorkKind>(work));
        foreach (var input in inputs.DefaultIfEmpty(""))
            await database.WriteAsync(db => db.Work.Add(new Work { Kind = work.Kind, Input = input, ActorName = "test", CreatedAt = TestDatabase.Start, TotalRows = 3 }));
        return database;
    }

    /// <summary>Three turns of one row each; one of them throws after it has changed something.</summary>
    private sealed class Counting(Exception failure) : IWorkKind
    {
        public string Kind => "test.counting";

        public int FailsAtTurn { get; set; }

        /// <summary>How often it fails.</summary>
        public int Failures { get; set; } = int.MaxValue;

        /// <summary>Which work fails or is held; null for all.</summary>
        public string? OnlyInput { get; init; }

        /// <summary>What the first turn waits for; null for nothing.</summary>
        public TaskCompletionSource? Holds { get; init; }

        public TaskCompletionSource IsHeld { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The input of each turn that came to its end.</summary>
        public ConcurrentQueue<string> Taken { get; } = new();

        public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
        {
            var turn = work.Cursor is null ? 1 : int.Parse(work.Cursor, System.Globalization.CultureInfo.InvariantCulture) + 1;
            var isMeant = OnlyInput is null || OnlyInput == work.Input;
            db.Settings.Add(new Setting { Key = $"test.{work.Input}{turn}", Value = "done" });
            await db.SaveChangesAsync(cancel);
            if (turn == FailsAtTurn && isMeant && Failures-- > 0) throw failure;
            if (turn == 1 && isMeant && Holds is not null)
            {
                IsHeld.SetResult();
                await Holds.Task.WaitAsync(cancel);
            }

            Taken.Enqueue(work.Input);
            return new WorkTurn(turn == 3 ? null : $"{turn}", 1);
        }
    }
}
