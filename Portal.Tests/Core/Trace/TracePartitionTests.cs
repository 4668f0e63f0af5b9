using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class TracePartitionTests
{
    [Fact]
    public async Task On_postgres_every_trace_table_is_cut_by_week_from_the_first_migration()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);

        foreach (var table in TracePartitions.Tables) Assert.Equal("p", await ScalarAsync(database, $"SELECT relkind::text FROM pg_class WHERE oid = '\"{table}\"'::regclass"));
    }

    [Fact]
    public async Task Converting_keeps_columns_key_and_indexes_and_does_nothing_the_second_time()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        const string Shape = """
            SELECT string_agg(line, E'\n' ORDER BY line) FROM (
                SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || coalesce(character_maximum_length::text, '') || ' ' || is_nullable || ' ' || coalesce(column_default, '') AS line
                    FROM information_schema.columns WHERE table_name IN ('PlainTrace')
                UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE tablename = 'PlainTrace') AS lines
            """;
        // A table like EF makes them, under a name of its own; the real one is converted already.
        await RunAsync(database, """
            CREATE TABLE "PlainTrace" ("QueueId" uuid NOT NULL, "Outcome" integer NOT NULL, "Text" character varying(40), "Count" bigint NOT NULL DEFAULT 1, CONSTRAINT "PK_PlainTrace" PRIMARY KEY ("QueueId"));
            CREATE INDEX "IX_PlainTrace_Outcome" ON "PlainTrace" ("Outcome", "QueueId") WHERE "Outcome" <> 0;
            """);
        var before = await ScalarAsync(database, Shape);

        var convert = TracePartitions.ConvertSql.Replace("ARRAY['MessageTrace', 'TraceEvent', 'TraceRecipient', 'TraceTerm']", "ARRAY['PlainTrace']", StringComparison.Ordinal);
        Assert.Contains("PlainTrace", convert, StringComparison.Ordinal);
        await RunAsync(database, convert);
        await RunAsync(database, convert);

        Assert.Equal("p", await ScalarAsync(database, "SELECT relkind::text FROM pg_class WHERE oid = '\"PlainTrace\"'::regclass"));
        Assert.Equal(before.Replace("INDEX \"IX_PlainTrace_Outcome\" ON public", "INDEX \"IX_PlainTrace_Outcome\" ON ONLY public", StringComparison.Ordinal).Replace("INDEX \"PK_PlainTrace\" ON public", "INDEX \"PK_PlainTrace\" ON ONLY public", StringComparison.Ordinal), await ScalarAsync(database, Shape));
    }

    [Fact]
    public async Task The_keeper_makes_the_weeks_ahead_once_and_mail_lands_in_its_week()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        var monday = TracePartitionKeeper.MondayOf(TestDatabase.Start);
        Assert.Equal(DayOfWeek.Monday, monday.DayOfWeek);
        using var keeper = new TracePartitionKeeper(database.Databases, database.Clock, NullLogger<TracePartitionKeeper>.Instance);

        Assert.True(await keeper.KeepAsync(CancellationToken.None));
        Assert.True(await keeper.KeepAsync(CancellationToken.None));

        // The last moment of a week, the first of the next, and one that no week was made for.
        DateTimeOffset[] moments = [monday.AddDays(7).AddMilliseconds(-1), monday.AddDays(7), monday.AddDays(7 * 40)];
        foreach (var at in moments) await database.WriteAsync(TraceRows.At(at), ("bob@portal.test", RecipientOutcome.Delivered));
        await database.IndexAsync();

        foreach (var table in TracePartitions.Tables.Where(t => t != nameof(TraceEvent)))
        {
            var places = await ScalarAsync(database, $"""SELECT string_agg(DISTINCT tableoid::regclass::text, ' ' ORDER BY tableoid::regclass::text) FROM "{table}" """);
            Assert.Equal($"\"{TracePartitionKeeper.NameOf(table, monday)}\" \"{TracePartitionKeeper.NameOf(table, monday.AddDays(7))}\" \"{table}_default\"", places);
        }

        Assert.Equal(3, (await database.FindAsync(TraceRows.With(Portal.Core.Permissions.Role.Administrator), new() { Text = "bob@portal.test" })).Count);
    }

    [Fact]
    public async Task A_week_whose_mail_is_in_the_default_partition_already_is_left_there_and_found()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        await database.WriteAsync(TraceRows.At(TestDatabase.Start));
        using var keeper = new TracePartitionKeeper(database.Databases, database.Clock, NullLogger<TracePartitionKeeper>.Instance);

        Assert.True(await keeper.KeepAsync(CancellationToken.None));

        Assert.Single(await database.FindAsync(TraceRows.With(Portal.Core.Permissions.Role.Administrator), new()));
        Assert.Equal("t", await ScalarAsync(database, $"SELECT CASE WHEN to_regclass('\"{TracePartitionKeeper.NameOf("MessageTrace", TracePartitionKeeper.MondayOf(TestDatabase.Start).AddDays(7))}\"') IS NULL THEN 'f' ELSE 't' END"));
    }

    [Fact]
    public async Task On_sqlite_there_is_nothing_to_keep()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        using var keeper = new TracePartitionKeeper(database.Databases, database.Clock, NullLogger<TracePartitionKeeper>.Instance);

        Assert.False(await keeper.KeepAsync(CancellationToken.None));
    }

    [Fact]
    public void A_queue_id_lies_within_its_millisecond()
    {
        var at = new DateTimeOffset(2026, 11, 24, 9, 0, 0, 123, TimeSpan.Zero);
        for (var i = 0; i < 100; i++)
        {
            var id = Guid.CreateVersion7(at);
            Assert.True(id >= TraceIds.LowestAt(at) && id < TraceIds.LowestAt(at.AddMilliseconds(1)));
        }
    }

    private static Task RunAsync(TestDatabase database, string sql) => database.ReadAsync(db => db.Database.ExecuteSqlRawAsync(sql.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal)));

    private static Task<string> ScalarAsync(TestDatabase database, string sql) =>
        database.ReadAsync(async db => (await db.Database.SqlQueryRaw<string>($"SELECT v AS \"Value\" FROM ({sql}) AS t(v)").ToListAsync()).Single());
}
