using System.Globalization;
using Portal.Core.Data;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Smtp.Reports;

namespace Portal.Smtp.Delivery;

/// <summary>What is told of an outcome: to the sender by DSN, to the administrator by the trace.</summary>
internal static class AttemptReport
{
    // RFC 3461 §4.1: without NOTIFY failures and delays are told.
    public static bool Wants(QueueEntry entry, DsnNotify what) =>
        entry.Notify == DsnNotify.Default ? what is DsnNotify.Failure or DsnNotify.Delay : entry.Notify.HasFlag(what);

    /// <summary>What the sender is told about a recipient; null when there is nothing they asked for.</summary>
    public static DsnRecipient? RecipientOf(EntryResult result, Settlement settlement, DateTimeOffset at)
    {
        var entry = result.Entry;
        if (entry.ReversePath.Length == 0) return null;
        var report = new DsnRecipient
        {
            ForwardPath = entry.ForwardPath,
            OriginalRecipient = entry.OriginalRecipient,
            Action = DsnAction.Failed,
            Status = "5.0.0",
            Reason = "ReasonOther",
            RemoteMta = result.Connection is not null && result.Failure is null ? result.Connection.Peer.Host : null,
            Reply = settlement.Reply,
            LastAttemptAt = at,
        };
        return settlement.Kind switch
        {
            SettlementKind.Failed when Wants(entry, DsnNotify.Failure) =>
                report with { Status = result.Reply!.StatusOrDefault, Reason = DsnReason.Of(result.Reply) },
            SettlementKind.Expired when Wants(entry, DsnNotify.Failure) => report with { Status = "4.4.7", Reason = "ReasonExpired" },   // RFC 3463 §3.5: delivery time expired
            SettlementKind.Removed when Wants(entry, DsnNotify.Failure) =>
                report with { Status = "5.7.1", Reason = "ReasonRemoved", RemoteMta = null, Reply = entry.LastReply },
            SettlementKind.Deferred when settlement.SendsDelayNotice =>
                report with { Action = DsnAction.Delayed, Status = result.Reply?.IsTransient == true ? result.Reply.StatusOrDefault : "4.4.1", Reason = "ReasonWaiting", WillRetryUntil = entry.ExpiresAt },
            SettlementKind.Relayed when Wants(entry, DsnNotify.Success) => report with { Action = DsnAction.Relayed, Status = "2.0.0", Reason = "ReasonRelayed" },
            SettlementKind.Stored when Wants(entry, DsnNotify.Success) => report with { Action = DsnAction.Delivered, Status = "2.0.0", Reason = "ReasonDelivered" },
            // RFC 3461 §5.2.7.2: where an address only passes mail on to one other, who gets it reports.
            SettlementKind.Expanded when Wants(entry, DsnNotify.Success) && !settlement.Placement!.RelayNotify.HasFlag(DsnNotify.Success) =>
                report with { Action = DsnAction.Expanded, Status = "2.0.0", Reason = "ReasonExpanded" },
            _ => null,
        };
    }

    /// <summary>What the trace keeps of a try for one recipient.</summary>
    public static TraceFact FactOf(EntryResult result, Settlement settlement)
    {
        var inputs = new Dictionary<string, string> { ["recipient"] = result.Entry.ForwardPath, ["attempt"] = result.Entry.Attempt.ToString(CultureInfo.InvariantCulture) };
        if (result.Connection is { } connection)
        {
            inputs["peer"] = connection.Peer.ToString();
            inputs["tls"] = connection.Tls ?? "-";
        }

        if (settlement.Kind != SettlementKind.Removed && result.Entry.Kind == QueueKind.Relay) inputs["stage"] = (result.Failure?.Stage ?? result.Stage).ToString();
        if (settlement.Reply is { } reply) inputs["reply"] = StorableText.Cut(reply, 1000)!;
        if (settlement.Kind == SettlementKind.Deferred)
        {
            inputs["cause"] = settlement.Cause.ToString();
            inputs["next"] = settlement.NextAttemptAt!.Value.ToString("O", CultureInfo.InvariantCulture);
        }

        return new TraceFact(settlement.Rule, inputs);
    }
}
