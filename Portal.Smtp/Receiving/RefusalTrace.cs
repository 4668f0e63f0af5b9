using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>Brings what was refused into the trace, once a transaction: "refused mail too".</summary>
internal sealed class RefusalTrace(TraceWriter writer, TimeProvider clock)
{
    /// <summary>Records a refusal of the whole transaction and gives its reply back.</summary>
    public SmtpReply Record(Origin origin, Envelope envelope, string rule, SmtpReply reply, MessageHead? head = null, long sizeBytes = 0)
    {
        envelope.IsTold = true;
        var rows = TraceRows.OfRefusal(origin, envelope, head, sizeBytes, rule, reply, clock);
        writer.Record(rows.Trace, rows.Event, rows.Recipients);
        return reply;
    }

    /// <summary>Records the recipients refused in a transaction that ended without a message; one that ended with it has told already.</summary>
    public void RecordUnlessTold(Origin origin, Envelope envelope)
    {
        if (envelope.IsTold || envelope.Refused.Count == 0) return;
        envelope.Recipients.Clear();   // those that would have been taken were not refused
        var last = envelope.Refused[^1];
        Record(origin, envelope, last.Rule, last.Reply);
    }
}
