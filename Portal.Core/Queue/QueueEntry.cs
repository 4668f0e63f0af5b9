using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Messages;

namespace Portal.Core.Queue;

/// <summary>What is to be done with an entry.</summary>
public enum QueueKind
{
    Relay,

    /// <summary>A mailbox of ours whose sender wants to hear that it has the message (RFC 3461 §4.1, NOTIFY=SUCCESS): copy and DSN are one commit.</summary>
    Local,

    /// <summary>An address of ours with more targets than the commit of its message should carry.</summary>
    Expand,
}

public enum QueueState
{
    Due,
    Held,

    /// <summary>Owned by the process instance named in Owner.</summary>
    Claimed,
}

/// <summary>Why the last try ended; what the queue page groups by.</summary>
public enum DeferCause
{
    None,
    Dns,
    Network,
    Tls,
    Greylisted,
    RemotePolicy,
    RemoteQuota,
    RemoteFault,
    LocalFault,

    /// <summary>An administrator ended it and wants the sender told: the DSN is all that is left to do.</summary>
    Removed,
}

/// <summary>RFC 3461 NOTIFY of one recipient.</summary>
[Flags]
public enum DsnNotify
{
    /// <summary>Not given: failure and delay, as RFC 3461 §4.1 leaves to us.</summary>
    Default = 0,
    Never = 1,
    Success = 2,
    Failure = 4,
    Delay = 8,
}

/// <summary>RFC 3461 RET.</summary>
public enum DsnReturn
{
    Default,
    Full,
    Headers,
}

/// <summary>One recipient still to be served. Done entries are deleted; the history is the trace (DESIGN §4).</summary>
public sealed class QueueEntry
{
    /// <summary>What entries wait under that never leave this system; no domain or host is called so.</summary>
    public const string LocalRouteKey = "(local)";

    /// <summary>Given by the database at the commit that queues it.</summary>
    public long Id { get; init; }

    public long MessageId { get; set; }

    /// <summary>Queue id of the message, so that lists need no join.</summary>
    public Guid QueueId { get; init; }

    public QueueKind Kind { get; init; }

    /// <summary>Envelope sender of this copy; empty for the null reverse-path.</summary>
    public required string ReversePath { get; init; }

    /// <summary>Whom it goes to; domain in A-label form.</summary>
    public required string ForwardPath { get; init; }

    /// <summary>Destination domain, "host:port" of the smart host, or <see cref="LocalRouteKey"/>; claims take one route key at a time.</summary>
    public required string RouteKey { get; set; }

    public QueueState State { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset NextAttemptAt { get; set; }

    public DateTimeOffset ExpiresAt { get; set; }

    /// <summary>Tries begun so far; one that came to nothing and was given back does not count.</summary>
    public int Attempt { get; set; }

    /// <summary>Raised by each claim and never lowered: no two claims of an entry are alike, and an outcome counts only for its own.</summary>
    public int Claim { get; set; }

    /// <summary>Process instance that claimed it (Node.Id); null when unclaimed.</summary>
    public Guid? Owner { get; set; }

    public DeferCause Cause { get; set; }

    /// <summary>The peer's last words, or ours; null before the first try.</summary>
    public string? LastReply { get; set; }

    /// <summary>What became of the last try, a key of the Rules resource; null before the first.</summary>
    public string? LastRule { get; set; }

    public bool DelayNoticeSent { get; set; }

    public long SizeBytes { get; init; }

    /// <summary>Account that submitted it; null for forwarded mail and DSNs.</summary>
    public Guid? AccountId { get; init; }

    public DsnNotify Notify { get; init; }

    public DsnReturn Return { get; init; }

    /// <summary>RFC 3461 ENVID as given (xtext decoded); null when not given.</summary>
    public string? EnvelopeId { get; init; }

    /// <summary>RFC 3461 ORCPT as given, "type;address"; null when not given.</summary>
    public string? OriginalRecipient { get; init; }

    /// <summary>The address of ours, folded, that sends this copy on to a target outside; null for any other.</summary>
    public string? ForwardedBy { get; init; }

    /// <summary>Whether its copies here go into the junk folder.</summary>
    public bool IsJunk { get; init; }

    /// <summary>Invented by <c>demo</c>: shown, and never tried, so that nothing of it leaves the machine.</summary>
    public bool IsDemo { get; init; }
}

internal sealed class QueueEntryConfiguration : IEntityTypeConfiguration<QueueEntry>
{
    public void Configure(EntityTypeBuilder<QueueEntry> entry)
    {
        entry.HasIndex(e => new { e.State, e.RouteKey, e.NextAttemptAt });
        entry.HasIndex(e => e.NextAttemptAt);   // the list's order
        entry.HasIndex(e => new { e.Cause, e.RouteKey }).HasFilter("\"Cause\" <> 0");   // what is delivered at the first try never pays for it
        entry.HasIndex(e => e.MessageId);
        entry.HasIndex(e => e.Owner).HasFilter("\"Owner\" IS NOT NULL");
        entry.Property(e => e.ReversePath).HasMaxLength(320);
        entry.Property(e => e.ForwardPath).HasMaxLength(320);
        entry.Property(e => e.RouteKey).HasMaxLength(300);
        entry.Property(e => e.LastReply).HasMaxLength(2000);
        entry.Property(e => e.LastRule).HasMaxLength(100);
        entry.Property(e => e.EnvelopeId).HasMaxLength(100);
        entry.Property(e => e.OriginalRecipient).HasMaxLength(500);
        entry.Property(e => e.ForwardedBy).HasMaxLength(320);
        entry.HasOne<Message>().WithMany().HasForeignKey(e => e.MessageId).OnDelete(DeleteBehavior.Restrict);
    }
}
