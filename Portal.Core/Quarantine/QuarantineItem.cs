using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Messages;
using Portal.Core.Queue;

namespace Portal.Core.Quarantine;

/// <summary>How long quarantined mail is kept.</summary>
public sealed class QuarantineOptions
{
    public const string Section = "Portal:Quarantine";

    /// <summary>From its arrival; then it is deleted.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(30);
}

/// <summary>
/// One recipient's copy that was taken and kept back. The message is stored whole; what its delivery needs is here, so that releasing it is
/// a queue entry as it would have been.
/// </summary>
public sealed class QuarantineItem
{
    /// <summary>Given by the database at the commit that stores it.</summary>
    public long Id { get; init; }

    public long MessageId { get; set; }

    public Guid QueueId { get; init; }

    /// <summary>What its release does.</summary>
    public QueueKind Kind { get; init; }

    /// <summary>Envelope sender; empty for the null reverse-path.</summary>
    public required string ReversePath { get; init; }

    /// <summary>Whom it is for; domain in A-label form.</summary>
    public required string ForwardPath { get; init; }

    /// <summary>The recipient's domain, by which it is seen; null where it is none of ours.</summary>
    public Guid? DomainId { get; init; }

    /// <summary>The rule that put it here: a key of the Rules resource.</summary>
    public required string Rule { get; init; }

    /// <summary>It would have been refused, had not other recipients' copies been taken: its sender hears nothing, whatever becomes of it.</summary>
    public bool IsRefused { get; init; }

    public DateTimeOffset At { get; init; }

    /// <summary>When it is deleted unless somebody acts before.</summary>
    public DateTimeOffset ExpiresAt { get; init; }

    public long SizeBytes { get; init; }

    public Guid? AccountId { get; init; }

    public DsnNotify Notify { get; init; }

    public DsnReturn Return { get; init; }

    public string? EnvelopeId { get; init; }

    public string? OriginalRecipient { get; init; }

    /// <summary>How long its delivery is tried once it is released.</summary>
    public int LifetimeSeconds { get; init; }

    public bool IsDemo { get; init; }

    /// <summary>Keeps back what <paramref name="entry"/> would have delivered.</summary>
    public static QuarantineItem Of(QueueEntry entry, Guid? domainId, string rule, bool isRefused, DateTimeOffset expiresAt) => new()
    {
        QueueId = entry.QueueId,
        Kind = entry.Kind,
        ReversePath = entry.ReversePath,
        ForwardPath = entry.ForwardPath,
        DomainId = domainId,
        Rule = rule,
        IsRefused = isRefused,
        At = entry.CreatedAt,
        ExpiresAt = expiresAt,
        SizeBytes = entry.SizeBytes,
        AccountId = entry.AccountId,
        Notify = entry.Notify,
        Return = entry.Return,
        EnvelopeId = entry.EnvelopeId,
        OriginalRecipient = entry.OriginalRecipient,
        LifetimeSeconds = (int)(entry.ExpiresAt - entry.CreatedAt).TotalSeconds,
        IsDemo = entry.IsDemo,
    };

    /// <summary>The entry that delivers it now, into the inbox.</summary>
    /// <param name="routeKey">What it waits under.</param>
    public QueueEntry Release(string routeKey, DateTimeOffset at) => new()
    {
        MessageId = MessageId,
        QueueId = QueueId,
        Kind = Kind,
        ReversePath = ReversePath,
        ForwardPath = ForwardPath,
        RouteKey = routeKey,
        State = QueueState.Due,
        CreatedAt = at,
        NextAttemptAt = at,
        ExpiresAt = at.AddSeconds(LifetimeSeconds),
        SizeBytes = SizeBytes,
        AccountId = AccountId,
        Notify = Notify,
        Return = Return,
        EnvelopeId = EnvelopeId,
        OriginalRecipient = OriginalRecipient,
        IsDemo = IsDemo,
    };
}

internal sealed class QuarantineItemConfiguration : IEntityTypeConfiguration<QuarantineItem>
{
    public void Configure(EntityTypeBuilder<QuarantineItem> item)
    {
        item.HasIndex(i => new { i.DomainId, i.Id });   // a domain's list in its order
        item.HasIndex(i => i.ExpiresAt);
        item.HasIndex(i => i.MessageId);
        item.HasIndex(i => i.QueueId);
        item.Property(i => i.ReversePath).HasMaxLength(320);
        item.Property(i => i.ForwardPath).HasMaxLength(320);
        item.Property(i => i.Rule).HasMaxLength(100);
        item.Property(i => i.EnvelopeId).HasMaxLength(100);
        item.Property(i => i.OriginalRecipient).HasMaxLength(500);
        item.HasOne<Message>().WithMany().HasForeignKey(i => i.MessageId).OnDelete(DeleteBehavior.Restrict);
    }
}
