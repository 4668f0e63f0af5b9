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
