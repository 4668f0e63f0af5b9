namespace Portal.Core.Trace;

/// <summary>What a list of traces is narrowed to.</summary>
public enum TraceFilter
{
    /// <summary>Taken from other servers.</summary>
    Received,

    /// <summary>Taken from our own people.</summary>
    Sent,

    /// <summary>In a mailbox, or taken over by the peer.</summary>
    Delivered,

    /// <summary>Taken over by the peer.</summary>
    Relayed,

    /// <summary>Still to be served: queued or deferred by a peer.</summary>
    InQueue,

    Held,

    /// <summary>Failed or expired: the sender got a DSN.</summary>
    Failed,

    /// <summary>Refused in the session.</summary>
    Refused,

    /// <summary>The client was told to come back.</summary>
    Later,

    /// <summary>Removed from the queue, discarded, or kept in quarantine.</summary>
    SetAside,
}

/// <summary>A question to the trace. All parts narrow.</summary>
public sealed record TraceQuery
{
    /// <summary>Most rows of a page.</summary>
    public const int MaxLimit = 200;

    /// <summary>What a person typed; see <see cref="TraceText.Read"/>.</summary>
    public string? Text { get; init; }

    public DateTimeOffset? From { get; init; }

    public DateTimeOffset? Until { get; init; }

    public TraceFilter? Filter { get; init; }

    /// <summary>Only what this rule decided: the message's rule or, where it has none, a recipient's.</summary>
    public string? Rule { get; init; }

    /// <summary>Only what is older than this row: the last queue id of the page before.</summary>
    public Guid? Before { get; init; }

    public int Limit { get; init; } = 50;
}

/// <summary>One row of the list: a message or refused session, its first recipients, and how many there are.</summary>
/// <param name="Trace">Facts of the message.</param>
/// <param name="Recipients">At most <see cref="MaxRecipients"/>, the worst outcome first.</param>
/// <param name="RecipientCount">All that the actor may see.</param>
public sealed record TraceRow(MessageTrace Trace, IReadOnlyList<TraceRecipient> Recipients, int RecipientCount)
{
    public const int MaxRecipients = 3;

    /// <summary>What became of the message in one word.</summary>
    public RecipientOutcome? State => TraceStates.StateOf(Trace, Recipients.Select(r => r.Outcome));
}

/// <summary>A page of traces, newest first.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Next">Put into <see cref="TraceQuery.Before"/> for the next page; null on the last.</param>
/// <param name="IsPartial">True when so much mail waits for its search terms that not all of it was looked at.</param>
/// <param name="Dropped">Refusals that this process could not write since it started.</param>
public sealed record TracePage(IReadOnlyList<TraceRow> Rows, Guid? Next, bool IsPartial, long Dropped);

/// <summary>Everything known about one message.</summary>
/// <param name="Trace">Facts of the message.</param>
/// <param name="AccountName">Who was authenticated; null for nobody, or an account that is gone.</param>
/// <param name="Outcomes">How many recipients have come to each outcome; the recipients themselves come in pages (<see cref="TraceService.RecipientsAsync"/>).</param>
/// <param name="Worst">The recipient that most asks for attention; null when the session got nowhere near one.</param>
/// <param name="Events">Oldest first.</param>
public sealed record TraceDetail(MessageTrace Trace, string? AccountName, IReadOnlyDictionary<RecipientOutcome, int> Outcomes, TraceRecipient? Worst, IReadOnlyList<TraceStep> Events)
{
    public int RecipientCount => Outcomes.Values.Sum();

    /// <summary>What became of the message in one word, as a list shows it.</summary>
    public RecipientOutcome? State => TraceStates.StateOf(Trace, Outcomes.Keys);
}

/// <summary>One event with its decisions read.</summary>
/// <param name="ContentFacts">Subject and author; empty without <see cref="Permissions.Capability.ViewContentFacts"/>.</param>
public sealed record TraceStep(Guid Id, DateTimeOffset At, TraceEventKind Kind, IReadOnlyList<TraceFact> Facts, IReadOnlyDictionary<string, string> ContentFacts);
