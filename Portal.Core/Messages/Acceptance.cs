using Portal.Core.Data;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>A copy for one mailbox.</summary>
/// <param name="MailboxId">Whose.</param>
/// <param name="Folder">Into which of its standard folders.</param>
/// <param name="Flags">Flags it starts with.</param>
/// <param name="RecipientIndex">The <see cref="TraceRecipient.Index"/> this copy serves; -1 for a copy that is nobody's recipient (Sent).</param>
public sealed record LocalDelivery(Guid MailboxId, SpecialUse Folder, MailFlags Flags, int RecipientIndex);

/// <summary>Everything one acceptance makes durable, in one transaction (DESIGN §3).</summary>
public sealed record Acceptance
{
    /// <summary>Guid v7 made by the session; the queue id.</summary>
    public required Guid QueueId { get; init; }

    public required DateTimeOffset At { get; init; }

    public required MailContent Content { get; init; }

    /// <summary>Return-Path and Received, CRLF after each, prepended for every recipient alike.</summary>
    public required byte[] TraceFields { get; init; }

    public required MessageHead Head { get; init; }

    /// <summary>Envelope sender; empty for the null reverse-path.</summary>
    public required string ReversePath { get; init; }

    public IReadOnlyList<LocalDelivery> Deliveries { get; init; } = [];

    /// <summary>Entries to queue; their MessageId is set by the writer.</summary>
    public IReadOnlyList<QueueEntry> Entries { get; init; } = [];

    /// <summary>Copies to keep back; their MessageId is set by the writer.</summary>
    public IReadOnlyList<QuarantineItem> Quarantined { get; init; } = [];

    /// <summary>Its trace; null for a draft, which is no mail in motion.</summary>
    public required MessageTrace? Trace { get; init; }

    public TraceEvent? Event { get; init; }

    public IReadOnlyList<TraceRecipient> Recipients { get; init; } = [];

    /// <summary>Discarded for all its recipients: it leaves its trace and nothing else.</summary>
    public bool IsDiscarded { get; init; }

    /// <summary>
    /// Runs first in the same transaction, for what must stand or fall with this message (a DSN and the end of its queue entry), and
    /// gives the copies of earlier messages that are placed with it. Null drops this acceptance alone:
    /// <see cref="WriteResult.Superseded"/>. May run again when the batch is retried.
    /// </summary>
    public Func<PortalDbContext, CancellationToken, Task<IReadOnlyList<StoredCopy>?>>? Precondition { get; init; }
}

/// <summary>How a write ended.</summary>
public enum WriteResult
{
    /// <summary>On disk: answer 250.</summary>
    Committed,

    /// <summary>A fault of ours, or unclear and not found: answer 451 4.3.0.</summary>
    Failed,

    /// <summary>The queue in front is full or the disk is low: answer 452 4.3.1.</summary>
    Busy,

    /// <summary>The precondition no longer held; nothing was written.</summary>
    Superseded,
}
