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

    /// <summary>Given back untouched; not a try.</summary>
    Released,
}

/// <summary>The outcome for one claimed entry.</summary>
public sealed record Settlement(QueueEntry Entry, SettlementKind Kind)
{
    public const int MaxReplyLength = 2000;

    public DeferCause Cause { get; init; }

    /// <summary>The peer's last words, or ours.</summary>
    public string? Reply { get; init; }

    /// <summary>When to try again; null means now.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>The new key of a <see cref="SettlementKind.Rerouted"/> entry.</summary>
    public string? RouteKey { get; init; }

    /// <summary>Whether a delay notice goes out with this settlement.</summary>
    public bool SendsDelayNotice { get; init; }

    /// <summary>Whether the entry is done with.</summary>
    public bool IsFinal => Kind is SettlementKind.Delivered or SettlementKind.Relayed or SettlementKind.Failed or SettlementKind.Expired or SettlementKind.Removed;

    /// <summary>Key of the Rules resource.</summary>
    public string Rule => Kind switch
    {
        SettlementKind.Delivered => "attempt.delivered",
        SettlementKind.Relayed => "attempt.relayed",
        // No server was asked, so none has said anything.
        SettlementKind.Deferred when Cause == DeferCause.Dns => "attempt.noAnswer",
        SettlementKind.Failed when Cause == DeferCause.Dns => "attempt.noServer",
        SettlementKind.Deferred => "attempt.deferred",
        SettlementKind.Failed => "attempt.failed",
        SettlementKind.Expired => "attempt.expired",
        SettlementKind.Removed => "queue.return",
        _ => "attempt.none",
    };

    internal RecipientOutcome Outcome => Kind switch
    {
        SettlementKind.Delivered or SettlementKind.Relayed => RecipientOutcome.Relayed,   // the peer now is responsible
        SettlementKind.Failed => RecipientOutcome.Failed,
        SettlementKind.Expired => RecipientOutcome.Expired,
        SettlementKind.Removed => RecipientOutcome.Removed,
        _ => RecipientOutcome.Deferred,
    };
}

/// <summary>One try of one message: settled together, one event in the trace.</summary>
public sealed record Attempt(Guid QueueId, IReadOnlyList<Settlement> Settlements, IReadOnlyList<TraceFact> Facts);

/// <summary>A route key with entries that are due.</summary>
public sealed record DueDestination(string RouteKey, int Count, DateTimeOffset OldestDueAt);
