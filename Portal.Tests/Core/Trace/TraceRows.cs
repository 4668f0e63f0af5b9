using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

/// <summary>Traces and people for these tests.</summary>
internal static class TraceRows
{
    private static readonly Guid Somebody = Guid.CreateVersion7();

    public static Actor With(Role role, Guid? domainId = null) => Actor.ForAccount(Somebody, "somebody@portal.test", [new(role, new Scope(domainId))], Channel.Portal, "127.0.0.1");

    /// <summary>A message of that moment; the same moment gives another queue id each time.</summary>
    public static MessageTrace At(DateTimeOffset at, string? reversePath = "alice@example.org", TraceOutcome outcome = TraceOutcome.Accepted, string? messageId = null, string? client = null) => new()
    {
        QueueId = Guid.CreateVersion7(at),
        At = at,
        ReversePath = reversePath,
        Outcome = outcome,
        MessageIdHeader = messageId,
        ClientAddress = client,
        Reply = outcome == TraceOutcome.Accepted ? "250 2.0.0 OK" : "550 5.1.1 No such mailbox",
        Rule = outcome == TraceOutcome.Refused ? "recipient.unknown" : null,
    };

    public static TraceRecipient To(MessageTrace trace, int index, string recipient, RecipientOutcome outcome = RecipientOutcome.Delivered) =>
        new() { QueueId = trace.QueueId, Index = index, Recipient = recipient, Outcome = outcome, UpdatedAt = trace.At };

    public static Task WriteAsync(this TestDatabase database, MessageTrace trace, params (string Recipient, RecipientOutcome Outcome)[] recipients) =>
        database.WriteAsync(db =>
        {
            db.Traces.Add(trace);
            db.TraceRecipients.AddRange(recipients.Select((r, i) => To(trace, i, r.Recipient, r.Outcome)));
        });

    public static TraceService Traces(this TestDatabase database) => new(database.Databases, database.Get<TraceWriter>());

    public static TraceIndexer Indexer(this TestDatabase database) =>
        new(database.Databases, database.Gate, database.Clock, Microsoft.Extensions.Logging.Abstractions.NullLogger<TraceIndexer>.Instance);

    /// <summary>Takes turns until there is nothing to do.</summary>
    public static async Task IndexAsync(this TestDatabase database)
    {
        using var indexer = database.Indexer();
        while (await indexer.TurnAsync(CancellationToken.None) > 0)
        {
        }
    }

    public static async Task<IReadOnlyList<Guid>> FindAsync(this TestDatabase database, Actor actor, TraceQuery query)
    {
        var outcome = await database.Traces().SearchAsync(actor, query, CancellationToken.None);
        return [.. outcome.Value.Rows.Select(r => r.Trace.QueueId)];
    }
}
