using System.Collections.ObjectModel;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>The trace rows of one transaction (DESIGN §8): one for it, one event with all decisions, one for each recipient.</summary>
internal sealed record TraceRows(MessageTrace Trace, TraceEvent Event, IReadOnlyList<TraceRecipient> Recipients)
{
    /// <summary>Rows of a transaction that brought no message: every recipient is refused or deferred with it; deferred where the client left unheard and keeps it.</summary>
    public static TraceRows OfRefusal(Origin origin, Envelope envelope, MessageHead? head, long sizeBytes, string rule, SmtpReply? reply, TimeProvider clock, IReadOnlyDictionary<string, string>? decisive = null)
    {
        var now = clock.GetUtcNow();
        var recipients = new List<TraceRecipient>();
        foreach (var recipient in envelope.Recipients) recipients.Add(Row(envelope.QueueId, recipients.Count, recipient.Address.Folded, OutcomeOf(reply), rule, reply, now));
        foreach (var refused in envelope.Refused) recipients.Add(Row(envelope.QueueId, recipients.Count, refused.Address, OutcomeOf(refused.Reply), refused.Rule, refused.Reply, now));

        var facts = new List<TraceFact> { new(rule, Inputs(origin, envelope, sizeBytes, decisive)) };
        facts.AddRange(envelope.Refused.Select(FactOf));
        facts.AddRange(envelope.Findings);
        var outcome = reply is { IsPermanentFailure: true } ? TraceOutcome.Refused : TraceOutcome.Deferred;
        return new TraceRows(TraceOf(origin, envelope, head, sizeBytes, outcome, rule, reply, clock), EventOf(envelope.QueueId, now, facts, head), recipients);
    }

    /// <summary>Rows of a MAIL that could not be read: no sender, no recipients.</summary>
    public static TraceRows OfMalformed(Origin origin, Envelope envelope, string said, SmtpReply reply, TimeProvider clock)
    {
        var inputs = new Dictionary<string, string> { ["said"] = said };
        AddTransaction(origin, envelope, inputs);
        var trace = TraceOf(origin, envelope, null, 0, TraceOutcome.Refused, Rules.SenderMalformed, reply, clock, hasSender: false);
        return new TraceRows(trace, EventOf(envelope.QueueId, clock.GetUtcNow(), [new(Rules.SenderMalformed, inputs)], null), []);
    }

    public static MessageTrace TraceOf(Origin origin, Envelope envelope, MessageHead? head, long sizeBytes, TraceOutcome outcome, string? rule, SmtpReply? reply, TimeProvider clock, bool hasSender = true) => new()
    {
        QueueId = envelope.QueueId,
        At = clock.GetUtcNow(),
        Source = origin.Source,
        ClientAddress = origin.Client?.ToString(),
        Helo = origin.Hello,
        ReversePath = hasSender ? envelope.ReversePath.ToString() : null,
        MessageIdHeader = head?.MessageId,
        SizeBytes = sizeBytes,
        Outcome = outcome,
        Reply = reply?.ToString(),
        Rule = rule,
        DurationMilliseconds = (int)Math.Min(int.MaxValue, clock.GetElapsedTime(envelope.StartedAt).TotalMilliseconds),
        Tls = origin.Tls,
        AccountId = origin.AccountId,
    };

    public static TraceEvent EventOf(Guid queueId, DateTimeOffset at, IReadOnlyList<TraceFact> facts, MessageHead? head)
    {
        var content = new Dictionary<string, string>();
        if (head?.Subject is { } subject) content["subject"] = subject;
        if (head?.From is { } from) content["from"] = from;
        return new TraceEvent { QueueId = queueId, At = at, Kind = TraceEventKind.Session, Facts = TraceFacts.Write(facts), ContentFacts = TraceFacts.WriteContent(content) };
    }

    public static TraceRecipient Row(Guid queueId, int index, string recipient, RecipientOutcome outcome, string rule, SmtpReply? reply, DateTimeOffset at) => new()
    {
        QueueId = queueId,
        Index = index,
        Recipient = recipient,
        Outcome = outcome,
        Rule = rule,
        Reply = reply?.ToString(),
        UpdatedAt = at,
    };

    public static TraceFact FactOf(RefusedRecipient refused)
    {
        var inputs = new Dictionary<string, string>(refused.Inputs ?? ReadOnlyDictionary<string, string>.Empty) { ["recipient"] = refused.Address, ["reply"] = refused.Reply.ToString() };
        if (refused.ForwardedBy is { } forwarder) inputs["forwardedBy"] = forwarder;
        return new TraceFact(refused.Rule, inputs);
    }

    public static RecipientOutcome OutcomeOf(SmtpReply? reply) => reply is { IsPermanentFailure: true } ? RecipientOutcome.Refused : RecipientOutcome.Deferred;

    /// <summary>What the first decision tells of the whole transaction: the session, by which the log is found, and how many refusals have no decision of their own.</summary>
    public static void AddTransaction(Origin origin, Envelope envelope, Dictionary<string, string> inputs)
    {
        if (origin.SessionId is { } session) inputs["session"] = session;
        if (envelope.MoreRefused > 0) inputs["moreRefused"] = envelope.MoreRefused.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static Dictionary<string, string> Inputs(Origin origin, Envelope envelope, long sizeBytes, IReadOnlyDictionary<string, string>? decisive)
    {
        var inputs = new Dictionary<string, string>(decisive ?? ReadOnlyDictionary<string, string>.Empty) { ["reversePath"] = envelope.ReversePath.ToString() };
        if (sizeBytes > 0) inputs["bytes"] = sizeBytes.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (envelope.DeclaredSizeBytes > 0) inputs[TraceInputs.DeclaredBytes] = envelope.DeclaredSizeBytes.ToString(System.Globalization.CultureInfo.InvariantCulture);
        AddTransaction(origin, envelope, inputs);
        return inputs;
    }
}
