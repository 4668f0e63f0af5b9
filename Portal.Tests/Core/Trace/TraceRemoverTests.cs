using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Portal.Core.Jobs;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

/// <summary>Old trace goes, young trace stays, and no turn is large.</summary>
public class TraceRemoverTests
{
    private static readonly DateTimeOffset Before = TestDatabase.Start.AddDays(-90);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task What_is_older_goes_with_its_events_recipients_and_terms_and_nothing_else(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var old = new List<Guid>();
        for (var i = 0; i < 250; i++) old.Add(await AddAsync(database, Before.AddDays(-14).AddMinutes(i), $"u{i}@portal.test", "shared@portal.test"));
        var young = await AddAsync(database, Before.AddMinutes(1), "u1@portal.test", "shared@portal.test");
        await database.WriteAsync(db => db.TraceEvents.Add(new TraceEvent { QueueId = Guid.CreateVersion7(Before.AddDays(-30)), At = Before, Kind = TraceEventKind.Attempt, Facts = "[]" }));   // of a trace that is gone
        await database.IndexAsync();
        Assert.Equal(251, await database.ReadAsync(db => db.TraceTerms.CountAsync(t => t.Term == "shared@portal.test")));

        var turns = await TurnsAsync(database, Before);

        Assert.All(turns, rows => Assert.InRange(rows, 1, TraceRemover.MaxRows));
        Assert.InRange(turns.Count, 4, 10);
        Assert.Equal([young], await database.ReadAsync(db => db.Traces.Select(t => t.QueueId).ToListAsync()));
        Assert.Equal([young], await database.ReadAsync(db => db.TraceEvents.Select(e => e.QueueId).ToListAsync()));
        Assert.Equal([young, young], await database.ReadAsync(db => db.TraceRecipients.Select(r => r.QueueId).ToListAsync()));
        Assert.Equal([young], await database.ReadAsync(db => db.TraceTerms.Select(t => t.QueueId).Distinct().ToListAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_message_to_very_many_goes_in_pieces(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await AddAsync(database, Before.AddDays(-14), [.. Enumerable.Range(0, 1200).Select(i => $"r{i}@portal.test")]);
        await AddAsync(database, Before.AddDays(-13), "after@portal.test");
        await database.IndexAsync();

        var turns = await TurnsAsync(database, Before);

        Assert.All(turns, rows => Assert.InRange(rows, 1, TraceRemover.MaxRows));
        Assert.Equal((0, 0, 0, 0), await database.ReadAsync(async db => (await db.Traces.CountAsync(), await db.TraceEvents.CountAsync(), await db.TraceRecipients.CountAsync(), await db.TraceTerms.CountAsync())));
    }

    [Theory, BothDatabases]
    public async Task Content_facts_go_earlier_and_the_rest_stays(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var limit = TestDatabase.Start.AddDays(-30);
        for (var i = 0; i < 600; i++) await AddAsync(database, limit.AddDays(-1).AddSeconds(i), "a@portal.test");
        var young = await AddAsync(database, limit.AddMinutes(1), "a@portal.test");

        var remover = database.Get<TraceRemover>();
        foreach (var looked in new[] { 500, 100, 0 }) Assert.Equal(looked, await remover.ForgetContentAsync(limit, Cancel));

        Assert.Equal([young], await database.ReadAsync(db => db.TraceEvents.Where(e => e.ContentFacts != null).Select(e => e.QueueId).ToListAsync()));
        Assert.Equal(601, await database.ReadAsync(db => db.TraceEvents.CountAsync()));
        await AddAsync(database, limit.AddMinutes(2), "a@portal.test");
        Assert.Equal(2, await remover.ForgetContentAsync(limit.AddDays(1), Cancel));   // goes on where it was
    }

    [Fact]
    public async Task PostgreSQL_drops_whole_weeks_that_are_over_and_leaves_the_others_whole()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        var monday = TracePartitionKeeper.MondayOf(TestDatabase.Start);
        using var keeper = new TracePartitionKeeper(database.Databases, database.Clock, NullLogger<TracePartitionKeeper>.Instance);
        await keeper.KeepAsync(Cancel);   // from the week before this one to four weeks ahead
        var aged = await AddAsync(database, monday.AddDays(-3), "a@portal.test");
        var half = await AddAsync(database, monday.AddHours(1), "a@portal.test");
        var stray = await AddAsync(database, monday.AddDays(-70), "a@portal.test");   // a week nobody made: the default partition
        await database.IndexAsync();
        var remover = database.Get<TraceRemover>();

        Assert.Equal(TracePartitions.Tables.Count, await remover.DropWeeksAsync(monday.AddDays(2), Cancel));
        Assert.Equal(0, await remover.DropWeeksAsync(monday.AddDays(2), Cancel));
        Assert.NotEmpty(await TurnsAsync(database, monday.AddDays(2)));

        Assert.Equal([half], await database.ReadAsync(db => db.Traces.Select(t => t.QueueId).ToListAsync()));
        Assert.Equal([half], await database.ReadAsync(db => db.TraceTerms.Select(t => t.QueueId).Distinct().ToListAsync()));
        Assert.True(aged != stray);
        var names = await database.ReadAsync(db => db.Database.SqlQuery<string>($"""SELECT relname::text AS "Value" FROM pg_class WHERE relname LIKE 'MessageTrace\_2%' AND relkind = 'r' ORDER BY relname""").ToListAsync());
        Assert.Equal(Enumerable.Range(0, TracePartitionKeeper.WeeksAhead + 1).Select(w => TracePartitionKeeper.NameOf("MessageTrace", monday.AddDays(7 * w))), names);
    }

    [Fact]
    public async Task A_week_that_somebody_reads_is_dropped_later_and_mail_does_not_wait_for_it()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        var monday = TracePartitionKeeper.MondayOf(TestDatabase.Start);
        using var keeper = new TracePartitionKeeper(database.Databases, database.Clock, NullLogger<TracePartitionKeeper>.Instance);
        await keeper.KeepAsync(Cancel);
        await using (var reader = await database.Databases.CreateDbContextAsync(Cancel))
        {
            await using var reading = await reader.Database.BeginTransactionAsync(Cancel);
            await reader.Traces.CountAsync(Cancel);   // its lock lasts as long as the transaction
            Assert.Equal(TracePartitions.Tables.Count - 1, await database.Get<TraceRemover>().DropWeeksAsync(monday, Cancel));
        }

        Assert.Equal(1, await database.Get<TraceRemover>().DropWeeksAsync(monday, Cancel));
    }

    [Theory, BothDatabases]
    public async Task The_keeper_does_all_of_it_by_the_settings(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await AddAsync(database, TestDatabase.Start.AddDays(-40), "old@portal.test");
        var middle = await AddAsync(database, TestDatabase.Start.AddDays(-5), "middle@portal.test");
        await database.IndexAsync();
        var options = Options.Create(new TraceOptions { KeepFor = TimeSpan.FromDays(14), KeepContentFactsFor = TimeSpan.FromDays(2) });
        using var keeper = new TraceKeeper(database.Get<TraceRemover>(), database.Get<JobLeases>(), options, database.Clock, NullLogger<TraceKeeper>.Instance);

        await keeper.RunAsync(Cancel);

        Assert.Equal([middle], await database.ReadAsync(db => db.Traces.Select(t => t.QueueId).ToListAsync()));
        Assert.Null(await database.ReadAsync(db => db.TraceEvents.Select(e => e.ContentFacts).SingleAsync()));
    }

    private static async Task<List<int>> TurnsAsync(TestDatabase database, DateTimeOffset before)
    {
        var turns = new List<int>();
        while (await database.Get<TraceRemover>().RemoveAsync(before, Cancel) is > 0 and var rows) turns.Add(rows);
        return turns;
    }

    private static async Task<Guid> AddAsync(TestDatabase database, DateTimeOffset at, params string[] recipients)
    {
        var trace = TraceRows.At(at, messageId: $"{Guid.NewGuid():N}@example.org", client: "192.0.2.1");
        await database.WriteAsync(trace, [.. recipients.Select(r => (r, RecipientOutcome.Delivered))]);
        await database.WriteAsync(db => db.TraceEvents.Add(new TraceEvent { QueueId = trace.QueueId, At = at, Kind = TraceEventKind.Session, Facts = "[]", ContentFacts = """{"subject":"secret"}""" }));
        return trace.QueueId;
    }
}
