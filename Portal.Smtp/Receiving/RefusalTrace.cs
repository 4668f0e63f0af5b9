using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>Brings what was refused into the trace, once a transaction: "refused mail too".</summary>
internal sealed class RefusalTrace(TraceWriter writer, TimeProvider clock)
{
    private const int MaxSaid = 500;   // characters of an argument; no longer one is of use to its reader

    /// <summary>Records a refusal of the whole transaction and gives its reply back.</summary>
    /// <param name="inputs">What decided, beside sender and size, which are always told.</param>
    public SmtpReply Record(Origin origin, Envelope envelope, string rule, SmtpReply reply, MessageHead? head = null, long sizeBytes = 0, IReadOnlyDictionary<string, string>? inputs = null)
    {
        Write(origin, envelope, rule, reply, head, sizeBytes, inputs);
        return reply;
    }

    /// <summary>Records a MAIL that began no transaction, with what it said; nobody knows its sender.</summary>
    public SmtpReply RecordMalformed(Origin origin, string said, SmtpReply reply)
    {
        var envelope = new Envelope(Guid.CreateVersion7(clock.GetUtcNow()), SmtpPath.Null, clock.GetTimestamp());
        var rows = TraceRows.OfMalformed(origin, envelope, StorableText.Cut(said, MaxSaid), reply, clock);
        writer.Record(rows.Trace, rows.Event, rows.Recipients);
        return reply;
    }

    /// <summary>
    /// Records a transaction that ended without a message and has not told yet: one whose message never came to its end, one that we
    /// broke off, or one whose recipients were refused.
    /// </summary>
    /// <param name="origin">Whose.</param>
    /// <param name="envelope">What there was of it.</param>
    /// <param name="lastWords">What the client was told when we broke it off; null when it left by itself.</param>
    public void RecordUnlessTold(Origin origin, Envelope envelope, SmtpReply? lastWords)
    {
        if (envelope.IsTold) return;
        if (envelope.Incoming is not null || (lastWords is not null && envelope.Recipients.Count > 0))
        {
            Write(origin, envelope, Rules.MessageUnfinished, lastWords, null, envelope.Incoming?.ReceivedBytes ?? 0);
        }
        else if (envelope.Refused is [.., var last])
        {
            envelope.Recipients.Clear();   // those that would have been taken were not refused
            Write(origin, envelope, last.Rule, last.Reply, null, 0);
        }
    }

    private void Write(Origin origin, Envelope envelope, string rule, SmtpReply? reply, MessageHead? head, long sizeBytes, IReadOnlyDictionary<string, string>? decisive = null)
    {
        envelope.IsTold = true;
        var rows = TraceRows.OfRefusal(origin, envelope, head, sizeBytes, rule, reply, clock, decisive);
        writer.Record(rows.Trace, rows.Event, rows.Recipients);
    }
}
