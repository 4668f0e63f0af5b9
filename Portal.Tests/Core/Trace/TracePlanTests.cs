using Microsoft.EntityFrameworkCore;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

/// <summary>A search costs the same with 100,000 messages: told from the plans, not from a clock.</summary>
public class TracePlanTests
{
    private const int Rows = 100_000;

    [Theory, BothDatabases]
    public async Task Every_search_walks_an_index_in_order_and_reads_no_table_whole(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await FillAsync(database);
        TraceQuery[] queries =
        [
            new(),
            new() { Text = "u77@portal.test" },
            new() { Text = "@portal.test u77@portal.test" },
            new() { Text = "id-4711@example.org" },
            new() { Text = "u77@portal.test", Filter = TraceFilter.Failed },
            new() { Filter = TraceFilter.Failed },
            new() { Filter = TraceFilter.Refused },
            new() { Filter = TraceFilter.Refused, Rule = "recipient.unknown", From = TestDatabase.Start.AddDays(-1) },
            new() { Filter = TraceFilter.Received, From = TestDatabase.Start.AddHours(-1) },
            new() { Filter = TraceFilter.Delivered },
            new() { Filter = TraceFilter.Delivered, From = TestDatabase.Start.AddDays(-1) },
            new() { Filter = TraceFilter.Sent },
            new() { Filter = TraceFilter.SetAside },
            new() { Filter = TraceFilter.Later },
            new() { Filter = TraceFilter.Held },
            new() { Text = "u77@portal.test", Filter = TraceFilter.Delivered },
            new() { Filter = TraceFilter.Relayed, From = TestDatabase.Start.AddDays(-1) },
            new() { Filter = TraceFilter.InQueue },
            new() { From = TestDatabase.Start.AddDays(-2), Until = TestDatabase.Start.AddDays(-1) },
            new() { Before = TraceIds.LowestAt(TestDatabase.Start.AddDays(-3)) },
            new() { Text = TraceIds.LowestAt(TestDatabase.Start.AddDays(-3)).ToString() },
        ];
        foreach (var query in queries)
        {
            using var sql = new SqlRecorder(database);
            var page = (await database.Traces().SearchAsync(TraceRows.With(Role.Administrator), query, CancellationToken.None)).Value;
            foreach (var plan in await sql.PlansAsync())
            {
                if (kind == DatabaseKind.Postgres) Assert.False(plan.Contains("Seq Scan", StringComparison.Ordinal), $"{query}\n{plan}");
                foreach (var step in plan.Split('\n').Where(l => l.StartsWith("SCAN ", StringComparison.Ordinal)))
                {
                    // The key, walked in order until the page is full, or what another step of the query made; never a table.
                    var isOwn = plan.Contains($"CO-ROUTINE {step[5..]}\n", StringComparison.Ordinal) || plan.Contains($"MATERIALIZE {step[5..]}\n", StringComparison.Ordinal);
                    Assert.True(isOwn || step.Contains("USING", StringComparison.Ordinal) || step.StartsWith("SCAN (", StringComparison.Ordinal) || step.Contains("CONSTANT", StringComparison.Ordinal), $"{query}\n{plan}");
                }
            }

            if (query.Text == "u77@portal.test" && query.Filter is null) Assert.Equal(query.Limit, page.Rows.Count);
        }
    }

    /// <summary>Thirty days of mail: 1,000 mailboxes, one message in 50 sent by them, one in 500 refused, one in 700 failed, all with their terms.</summary>
    private static async Task FillAsync(TestDatabase database)
    {
        var first = TestDatabase.Start.AddDays(-30).ToUnixTimeMilliseconds();
        var isSqlite = database.Kind == DatabaseKind.Sqlite;
        var numbers = isSqlite ? $"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {Rows - 1})" : $"WITH n AS (SELECT i FROM generate_series(0, {Rows - 1}) AS g(i))";
        var id = isSqlite ? $"unhex(printf('%012x', {first} + i * 25920) || '70008000' || printf('%012x', i))" : $"(lpad(to_hex({first} + i::bigint * 25920), 12, '0') || '70008000' || lpad(to_hex(i), 12, '0'))::uuid";
        var at = isSqlite ? "0" : "now()";
        var (yes, no) = isSqlite ? ("1", "0") : ("true", "false");
        string[] statements =
        [
            $"""{numbers} INSERT INTO "MessageTrace" ("QueueId", "At", "Source", "ReversePath", "MessageIdHeader", "SizeBytes", "Outcome", "DurationMilliseconds", "Count", "IsIndexed", "IsDemo") SELECT {id}, {at}, CASE WHEN i % 50 = 1 THEN 1 ELSE 0 END, 'from@example.org', 'id-' || i || '@example.org', 5000, CASE WHEN i % 500 = 0 THEN 1 ELSE 0 END, 3, 1, {yes}, {no} FROM n""",
            $"""{numbers} INSERT INTO "TraceRecipient" ("QueueId", "Index", "Recipient", "Outcome", "UpdatedAt") SELECT {id}, 0, 'u' || (i % 1000) || '@portal.test', CASE WHEN i % 700 = 0 THEN 3 ELSE 1 END, {at} FROM n""",
            $"""{numbers} INSERT INTO "TraceTerm" ("Term", "QueueId") SELECT 'u' || (i % 1000) || '@portal.test', {id} FROM n""",
            $"""{numbers} INSERT INTO "TraceTerm" ("Term", "QueueId") SELECT '@portal.test', {id} FROM n""",
            $"""{numbers} INSERT INTO "TraceTerm" ("Term", "QueueId") SELECT 'id-' || i || '@example.org', {id} FROM n""",
            "ANALYZE",
        ];
        using var turn = await database.Gate.EnterAsync(CancellationToken.None);
        foreach (var statement in statements) await database.ReadAsync(db => db.Database.ExecuteSqlRawAsync(statement));
    }
}
