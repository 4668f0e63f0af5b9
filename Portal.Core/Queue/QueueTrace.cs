using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Trace;

namespace Portal.Core.Queue;

/// <summary>What queue and quarantine write into the trace.</summary>
internal static class QueueTrace
{
    /// <summary>What somebody did.</summary>
    /// <param name="action">Key of the Actions resource.</param>
    /// <param name="actorName">Who; null for the system itself.</param>
    public static TraceEvent Action(Guid queueId, DateTimeOffset at, string action, string recipient, string? actorName)
    {
        var inputs = new Dictionary<string, string> { ["recipient"] = recipient };
        if (actorName is not null) inputs["by"] = actorName;
        return new() { QueueId = queueId, At = at, Kind = TraceEventKind.Action, Facts = TraceFacts.Write([new TraceFact(action, inputs)]) };
    }

    /// <summary>Writes a recipient's present outcome, in the caller's transaction.</summary>
    public static Task SetRecipientAsync(PortalDbContext db, Guid queueId, string forwardPath, RecipientOutcome outcome, string? rule, string? reply, DateTimeOffset at, CancellationToken cancel)
    {
        var folded = MailAddress.TryParse(forwardPath, out var address) ? address.Folded : forwardPath.ToLowerInvariant();
        return db.TraceRecipients
            .Where(r => r.QueueId == queueId && r.Recipient == folded)
            .ExecuteUpdateAsync(
                r => r.SetProperty(x => x.Outcome, outcome).SetProperty(x => x.Rule, rule).SetProperty(x => x.Reply, reply).SetProperty(x => x.UpdatedAt, at),
                cancel);
    }
}
