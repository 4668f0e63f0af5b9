using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Trace;

namespace Portal.Core.Queue;

/// <summary>What the queue writes into the trace.</summary>
internal static class QueueTrace
{
    public static TraceEvent Action(Guid queueId, DateTimeOffset at, QueueAct act, string recipient, string actorName) => new()
    {
        QueueId = queueId,
        At = at,
        Kind = TraceEventKind.Action,
        Facts = TraceFacts.Write([new TraceFact(QueueService.ActionOf(act), new Dictionary<string, string> { ["recipient"] = recipient, ["by"] = actorName })]),
    };

    /// <summary>Writes a recipient's present outcome, in the caller's transaction.</summary>
    public static Task SetRecipientAsync(PortalDbContext db, QueueEntry entry, RecipientOutcome outcome, string? rule, string? reply, DateTimeOffset at, CancellationToken cancel)
    {
        var folded = MailAddress.TryParse(entry.ForwardPath, out var address) ? address.Folded : entry.ForwardPath.ToLowerInvariant();
        return db.TraceRecipients
            .Where(r => r.QueueId == entry.QueueId && r.Recipient == folded)
            .ExecuteUpdateAsync(
                r => r.SetProperty(x => x.Outcome, outcome).SetProperty(x => x.Rule, rule).SetProperty(x => x.Reply, reply).SetProperty(x => x.UpdatedAt, at),
                cancel);
    }
}
