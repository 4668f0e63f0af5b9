using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Messages;

/// <summary>IMAP system flags as bits (RFC 3501 §2.3.2).</summary>
[Flags]
public enum MailFlags
{
    None = 0,
    Seen = 1,
    Answered = 2,
    Flagged = 4,
    Deleted = 8,
    Draft = 16,
    Forwarded = 32,
}

/// <summary>A message in a folder.</summary>
public sealed class MailItem
{
    public long Id { get; init; }

    public Guid MailboxId { get; init; }

    /// <summary>Folder it is in, or was in when it became recoverable.</summary>
    public long FolderId { get; set; }

    public long MessageId { get; init; }

    /// <summary>Null once it is recoverable: out of the UID space and the quota.</summary>
    public long? Uid { get; set; }

    public long ModSeq { get; set; }

    public MailFlags Flags { get; set; }

    /// <summary>Space separated keywords; null for none.</summary>
    public string? Keywords { get; set; }

    /// <summary>IMAP INTERNALDATE, UTC.</summary>
    public DateTimeOffset InternalDate { get; init; }

    /// <summary>Offset INTERNALDATE was given with, in minutes: IMAP gives it back as it came (RFC 3501 §2.3.3). What is delivered here comes in UTC.</summary>
    public short InternalDateOffsetMinutes { get; init; }

    /// <summary>When it came into this folder (RFC 8514).</summary>
    public DateTimeOffset SavedAt { get; set; }

    /// <summary>Size as the quota counts it, in bytes.</summary>
    public long SizeBytes { get; init; }

    /// <summary>When it became recoverable; null while it is in its folder.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

    internal static short OffsetOf(DateTimeOffset date) => (short)date.TotalOffsetMinutes;
}

/// <summary>Tombstone of a UID (RFC 7162 VANISHED); kept 60 days.</summary>
public sealed class Expunged
{
    public long FolderId { get; init; }

    public long Uid { get; init; }

    public long ModSeq { get; init; }

    public DateTimeOffset At { get; init; }
}

internal sealed class MailItemConfiguration : IEntityTypeConfiguration<MailItem>, IEntityTypeConfiguration<Expunged>
{
    public void Configure(EntityTypeBuilder<MailItem> item)
    {
        item.HasIndex(i => new { i.FolderId, i.Uid }).IsUnique();
        item.HasIndex(i => i.MessageId);
        item.HasIndex(i => new { i.MailboxId, i.DeletedAt }).HasFilter("\"DeletedAt\" IS NOT NULL");
        item.Property(i => i.Keywords).HasMaxLength(1000);
        // None to the mailbox: its folder has one, and the end of a mailbox would read all items, for no whole index of them begins with it.
        item.HasOne<Folder>().WithMany().HasForeignKey(i => i.FolderId).OnDelete(DeleteBehavior.Restrict);
        item.HasOne<Message>().WithMany().HasForeignKey(i => i.MessageId).OnDelete(DeleteBehavior.Restrict);
    }

    public void Configure(EntityTypeBuilder<Expunged> expunged)
    {
        expunged.HasKey(e => new { e.FolderId, e.Uid });
        expunged.HasIndex(e => e.At);
        expunged.HasOne<Folder>().WithMany().HasForeignKey(e => e.FolderId).OnDelete(DeleteBehavior.Cascade);
    }
}
