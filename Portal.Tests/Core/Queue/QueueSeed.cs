using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Queue;

/// <summary>Queue entries written straight into the database.</summary>
internal static class QueueSeed
{
    public static Task<Guid> QueueAsync(this TestDatabase database, params string[] recipients) => database.QueueAsync(_ => { }, false, recipients);

    public static Task<Guid> QueueAsync(this TestDatabase database, Action<QueueEntry> with, params string[] recipients) => database.QueueAsync(with, false, recipients);

    public static Task<Guid> QueueAsync(this TestDatabase database, bool isDemo, params string[] recipients) => database.QueueAsync(_ => { }, isDemo, recipients);

    /// <summary>Many due entries of one message at r0.example, r1.example …, each a microsecond after the one before, the first an hour ago unless told; two in eight greylisted, the others without a cause.</summary>
    public static async Task FillQueueAsync(this TestDatabase database, int entries, int routeKeys, int firstDueInHours = -1)
    {
        var message = new Message { QueueId = Guid.CreateVersion7(), ReceivedAt = database.Clock.GetUtcNow(), ReversePath = "alice@portal.test" };
        await database.WriteAsync(db => db.Messages.Add(message));
        var isSqlite = database.Kind == DatabaseKind.Sqlite;
        var numbers = isSqlite ? $"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {entries - 1})" : $"WITH n AS (SELECT i FROM generate_series(0, {entries - 1}) AS g(i))";
        var first = database.Clock.GetUtcNow().AddHours(firstDueInHours);
        var at = isSqlite ? $"{first.UtcTicks} + i * 10" : $"timestamptz '{first:yyyy-MM-dd HH:mm:ss}+00' + make_interval(secs => i / 1000000.0)";
        var no = isSqlite ? "0" : "false";
        string[] statements =
        [
            $"""
            {numbers} INSERT INTO "QueueEntry" ("MessageId", "QueueId", "Kind", "ReversePath", "ForwardPath", "RouteKey", "State", "CreatedAt", "NextAttemptAt", "ExpiresAt", "Attempt", "Cause", "DelayNoticeSent", "SizeBytes", "Notify", "Return", "IsDemo")
            SELECT m."Id", m."QueueId", 0, m."ReversePath", 'u' || i || '@r' || (i % {routeKeys}) || '.example', 'r' || (i % {routeKeys}) || '.example', 0, {at}, {at}, {at}, 1, CASE WHEN i % 8 < 2 THEN 4 ELSE 0 END, {no}, 1000, 0, 0, {no}
            FROM n JOIN "Message" m ON m."Id" = {message.Id}
            """,
            isSqlite ? "SELECT 1" : "ANALYZE \"QueueEntry\"",   // as autovacuum does; SQLite gets no statistics in the program
        ];
        using var turn = await database.Gate.EnterAsync(CancellationToken.None);
        foreach (var statement in statements) await database.ReadAsync(db => db.Database.ExecuteSqlRawAsync(statement));
    }

    /// <summary>One message from alice@portal.test with an entry for each recipient.</summary>
    private static async Task<Guid> QueueAsync(this TestDatabase database, Action<QueueEntry> with, bool isDemo, string[] recipients)
    {
        var (queueId, now) = (Guid.CreateVersion7(), database.Clock.GetUtcNow());
        var message = new Message { QueueId = queueId, ReceivedAt = now, ReversePath = "alice@portal.test" };
        await database.WriteAsync(db => db.Messages.Add(message));
        await database.WriteAsync(db =>
        {
            for (var i = 0; i < recipients.Length; i++)
            {
                var entry = new QueueEntry
                {
                    MessageId = message.Id,
                    QueueId = queueId,
                    ReversePath = "alice@portal.test",
                    ForwardPath = recipients[i],
                    RouteKey = recipients[i].Split('@')[1].ToLowerInvariant(),
                    CreatedAt = now,
                    NextAttemptAt = now,
                    ExpiresAt = now.AddDays(5),
                    IsDemo = isDemo,
                };
                with(entry);
                db.QueueEntries.Add(entry);
                db.TraceRecipients.Add(new TraceRecipient { QueueId = queueId, Index = i, Recipient = recipients[i].ToLowerInvariant(), UpdatedAt = now });
            }
        });
        return queueId;
    }
}
