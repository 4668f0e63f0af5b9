using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Trace;

/// <summary>The door a message came through.</summary>
public enum TraceSource
{
    Mx,
    Submission,
    Portal,
    Dsn,

    /// <summary>What this system tells the owner of a mailbox (<see cref="Alerts.OwnerNotice"/>).</summary>
    Notice,
}

/// <summary>What became of a message, or of a session refused before DATA.</summary>
public enum TraceOutcome
{
    Accepted,
    Refused,

    /// <summary>4yz: the client was told to come back.</summary>
    Deferred,
}

/// <summary>What became of one recipient.</summary>
public enum RecipientOutcome
{
    Queued,
    Delivered,
    Deferred,
    Failed,
    Refused,
    Held,
    Quarantined,
    Discarded,
    Expired,

    /// <summary>Passed to the peer that now is responsible.</summary>
    Relayed,

    /// <summary>Removed from the queue by an administrator.</summary>
    Removed,
}

/// <summary>
/// One message, or one refused session. Its key is a Guid v7 and therefore sorts by time; on PostgreSQL the trace tables
/// are partitioned by week on it (DESIGN §5). Trace rows have no foreign keys: they outlive what they tell of.
/// </summary>
public sealed class MessageTrace
{
    /// <summary>The queue id.</summary>
    public Guid QueueId { get; init; }

    public DateTimeOffset At { get; init; }

    public TraceSource Source { get; init; }

    public string? ClientAddress { get; init; }

    /// <summary>What the client called itself.</summary>
    public string? Helo { get; init; }

    /// <summary>Envelope sender; empty for the null reverse-path; null when the session ended before MAIL.</summary>
    public string? ReversePath { get; init; }

    public string? MessageIdHeader { get; init; }

    public long SizeBytes { get; init; }

    public TraceOutcome Outcome { get; init; }

    /// <summary>The one reply the client got.</summary>
    public string? Reply { get; init; }

    /// <summary>The rule that decided, a key of the Rules resource such as "recipient.unknown"; null when nothing special did.</summary>
    public string? Rule { get; init; }

    /// <summary>From the first command of the transaction to the reply, in milliseconds.</summary>
    public int DurationMilliseconds { get; init; }

    /// <summary>TLS version and cipher; null in clear.</summary>
    public string? Tls { get; init; }

    /// <summary>Who was authenticated; null for nobody.</summary>
    public Guid? AccountId { get; init; }

    /// <summary>How many refusals this row stands for: over 50 a minute from one network are counted in one row.</summary>
    public int Count { get; set; } = 1;

    /// <summary>Whether the search terms have been written.</summary>
    public bool IsIndexed { get; set; }

    public bool IsDemo { get; init; }
}

/// <summary>What happened at one point of the way: the session, then each attempt.</summary>
public sealed class TraceEvent
{
    public Guid QueueId { get; init; }

    /// <summary>Guid v7: sorts by time.</summary>
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public DateTimeOffset At { get; init; }

    public TraceEventKind Kind { get; init; }

    /// <summary>JSON list of <see cref="TraceFact"/>: addresses, results, sizes, rules. Never subject or content.</summary>
    public required string Facts { get; init; }

    /// <summary>JSON: subject and author, as the header has them; null when there is none. Names of attachments are not told: nothing takes a message apart while it comes in. Selected only with its capability.</summary>
    public string? ContentFacts { get; init; }
}

public enum TraceEventKind
{
    /// <summary>What the session decided.</summary>
    Session,

    /// <summary>A delivery attempt.</summary>
    Attempt,

    /// <summary>A DSN was made.</summary>
    Dsn,

    /// <summary>Somebody acted: retry, hold, release, removal.</summary>
    Action,
}

/// <summary>One decision with its rule and inputs.</summary>
/// <param name="Rule">Key of the Rules resource, such as "recipient.mailbox", "attempt.brokenInContent".</param>
/// <param name="Inputs">Names and values that decided, none of them content.</param>
public sealed record TraceFact(string Rule, IReadOnlyDictionary<string, string> Inputs);

/// <summary>One recipient of a message and its present outcome.</summary>
public sealed class TraceRecipient
{
    public Guid QueueId { get; init; }

    /// <summary>Place in the envelope, from 0; what forwarding adds counts on.</summary>
    public int Index { get; init; }

    /// <summary>Folded address.</summary>
    public required string Recipient { get; init; }

    public RecipientOutcome Outcome { get; set; }

    public string? Rule { get; set; }

    public string? Reply { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Search term of a trace: written by a job seconds later, never with the mail (DESIGN §5).</summary>
public sealed class TraceTerm
{
    /// <summary>Folded address, "@domain", message id or client address.</summary>
    public required string Term { get; init; }

    public Guid QueueId { get; init; }
}

internal sealed class TraceConfiguration :
    IEntityTypeConfiguration<MessageTrace>, IEntityTypeConfiguration<TraceEvent>, IEntityTypeConfiguration<TraceRecipient>, IEntityTypeConfiguration<TraceTerm>
{
    public void Configure(EntityTypeBuilder<MessageTrace> trace)
    {
        trace.HasKey(t => t.QueueId);
        trace.Property(t => t.QueueId).ValueGeneratedNever();
        // Partial, so that ordinary mail pays for one insertion and one removal only; a query names the same condition to use them.
        trace.HasIndex(t => t.QueueId, "IX_MessageTrace_Unindexed").HasFilter("NOT \"IsIndexed\"");
        trace.HasIndex(t => new { t.Outcome, t.QueueId }).HasFilter("\"Outcome\" <> 0");
        trace.Property(t => t.ClientAddress).HasMaxLength(64);
        trace.Property(t => t.Helo).HasMaxLength(255);
        trace.Property(t => t.ReversePath).HasMaxLength(320);
        trace.Property(t => t.MessageIdHeader).HasMaxLength(1000);
        trace.Property(t => t.Reply).HasMaxLength(1000);
        trace.Property(t => t.Rule).HasMaxLength(100);
        trace.Property(t => t.Tls).HasMaxLength(100);
    }

    public void Configure(EntityTypeBuilder<TraceEvent> traceEvent)
    {
        traceEvent.HasKey(e => new { e.QueueId, e.Id });
        traceEvent.Property(e => e.Id).ValueGeneratedNever();
    }

    public void Configure(EntityTypeBuilder<TraceRecipient> recipient)
    {
        recipient.HasKey(r => new { r.QueueId, r.Index });
        // What went well (delivered, relayed) is not looked for by outcome alone.
        recipient.HasIndex(r => new { r.Outcome, r.QueueId }).HasFilter("\"Outcome\" <> 1 AND \"Outcome\" <> 9");
        recipient.Property(r => r.Recipient).HasMaxLength(320);
        recipient.Property(r => r.Rule).HasMaxLength(100);
        recipient.Property(r => r.Reply).HasMaxLength(2000);
    }

    public void Configure(EntityTypeBuilder<TraceTerm> term)
    {
        term.HasKey(t => new { t.Term, t.QueueId });
        term.Property(t => t.Term).HasMaxLength(320);
    }
}
