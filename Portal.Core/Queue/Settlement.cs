using Portal.Core.Trace;

namespace Portal.Core.Queue;

/// <summary>What a try came to for one entry.</summary>
public enum SettlementKind
{
    /// <summary>The peer has it and reports further itself.</summary>
    Delivered,

    /// <summary>The peer has it and knows no DSN: from here on nobody reports (RFC 3461 §5.2.7).</summary>
    Relayed,

    /// <summary>Later.</summary>
    Deferred,

    /// <summary>Never.</summary>
    Failed,

    /// <summary>Too old.</summary>
    Expired,

    /// <summary>An administrator ended it.</summary>
    Removed,

    /// <summary>It belongs under another route key now; not a try.</summary>
    Rerouted,

    /// <summary>Given back, untouched or a piece further; not a try.</summary>
    Released,

    /// <summary>It is in the mailbox of ours it was for.</summary>
    Stored,

    /// <summary>Each mailbox its address stands for has a copy, each target outside an entry.</summary>
    Expanded,
}

/// <summary>The outcome for one claimed entry.</summary>
public sealed record Settlement(QueueEntry Entry, SettlementKind Kind)
{
    public const int MaxReplyLength = 2000;

    public DeferCause Cause { get; init; }

    /// <summary>The peer's last words, or ours.</summary>
    public string? Reply { get; init; }

    /// <summary>What stood in the way of a try that came to no reply, a key of the Rules resource; null where the cause says enough.</summary>
    public string? Obstacle { get; init; }

    /// <summary>When to try again; null means now.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>The new key of a <see cref="SettlementKind.Rerouted"/> entry.</summary>
    public string? RouteKey { get; init; }

    /// <summary>What a <see cref="SettlementKind.Rerouted"/> entry is from now on; null when it stays what it was.</summary>
    public QueueKind? Becomes { get; init; }

    /// <summary>Whether a delay notice goes out with this settlement.</summary>
    public bool SendsDelayNotice { get; init; }

    /// <summary>Copies and entries that stand or fall with this outcome; null for what leaves this system.</summary>
    public LocalPlacement? Placement { get; init; }

    /// <summary>Whether the entry is done with.</summary>
    public bool IsFinal => Kind is not (SettlementKind.Deferred or SettlementKind.Rerouted or SettlementKind.Released);

    /// <summary>Key of the Rules resource.</summary>
    public string Rule => Kind switch
    {
        SettlementKind.Delivered => "attempt.delivered",
        SettlementKind.Relayed => "attempt.relayed",
        // No server was asked, so none has said anything.
        SettlementKind.Deferred when Obstacle is not null => Obstacle,
        SettlementKind.Deferred when Cause == DeferCause.Dns => "attempt.noAnswer",
        SettlementKind.Failed when Cause == DeferCause.Dns => "attempt.noServer",
        SettlementKind.Deferred when Entry.Kind != QueueKind.Relay => "attempt.deferredHere",
        SettlementKind.Deferred => Cause == DeferCause.LocalFault ? "attempt.ourFault" : "attempt.deferred",
        SettlementKind.Failed => Entry.Kind == QueueKind.Relay ? "attempt.failed" : "attempt.failedHere",
        SettlementKind.Expired => "attempt.expired",
        SettlementKind.Removed => "queue.return",
        SettlementKind.Stored => "attempt.stored",
        SettlementKind.Expanded => "attempt.expanded",
        _ => "attempt.none",
    };

    internal RecipientOutcome Outcome => Kind switch
    {
        SettlementKind.Stored => RecipientOutcome.Delivered,
        SettlementKind.Expanded when Placement is { ReachesMailboxes: true } => RecipientOutcome.Delivered,   // its targets outside carry on under their own rows
        SettlementKind.Delivered or SettlementKind.Relayed or SettlementKind.Expanded => RecipientOutcome.Relayed,   // the peer now is responsible
        SettlementKind.Failed => RecipientOutcome.Failed,
        SettlementKind.Expired => RecipientOutcome.Expired,
        SettlementKind.Removed => RecipientOutcome.Removed,
        _ => RecipientOutcome.Deferred,
    };
}

/// <summary>One try of one message: settled together, one event in the trace.</summary>
public sealed record Attempt(Guid QueueId, IReadOnlyList<Settlement> Settlements, IReadOnlyList<TraceFact> Facts);

/// <summary>A route key with entries that are due, counted as far as was asked for.</summary>
public sealed record DueDestination(string RouteKey, int Count);

/// <summary>What a look for due entries found.</summary>
/// <param name="Destinations">The longest waiting first.</param>
/// <param name="Next">Key behind which the next look goes on; null when there is none behind.</param>
public sealed record DueLook(IReadOnlyList<DueDestination> Destinations, string? Next);
