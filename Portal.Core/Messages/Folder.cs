using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Mailboxes;

namespace Portal.Core.Messages;

/// <summary>What a folder is for (RFC 6154); <see cref="None"/> for people's own.</summary>
public enum SpecialUse
{
    None,
    Inbox,
    Drafts,
    Sent,
    Junk,
    Trash,
    Archive,
}

/// <summary>A folder of a mailbox with its UID space and counters; the counters change only by relative statements (DESIGN §5).</summary>
public sealed class Folder
{
    /// <summary>Never used twice.</summary>
    public long Id { get; init; }

    public Guid MailboxId { get; init; }

    public long? ParentId { get; set; }

    public required string Name { get; set; }

    public SpecialUse SpecialUse { get; init; }

    /// <summary>RFC 3501 §2.3.1.1; seconds since 1970 when the folder was made.</summary>
    public long UidValidity { get; init; }

    public long UidNext { get; set; } = 1;

    /// <summary>RFC 7162; the row's lock is held to commit, so its order is the order of commits.</summary>
    public long HighestModSeq { get; set; } = 1;

    public long Items { get; set; }

    public long Unseen { get; set; }

    /// <summary>The folders every mailbox starts with; names are the IMAP ones, pages word them by special use.</summary>
    public static IEnumerable<Folder> StandardSet(Guid mailboxId, DateTimeOffset now) =>
        new (string Name, SpecialUse Use)[] { ("INBOX", SpecialUse.Inbox), ("Drafts", SpecialUse.Drafts), ("Sent", SpecialUse.Sent), ("Archive", SpecialUse.Archive), ("Junk", SpecialUse.Junk), ("Trash", SpecialUse.Trash) }
            .Select(f => new Folder { MailboxId = mailboxId, Name = f.Name, SpecialUse = f.Use, UidValidity = now.ToUnixTimeSeconds() });
}

internal sealed class FolderConfiguration : IEntityTypeConfiguration<Folder>
{
    public void Configure(EntityTypeBuilder<Folder> folder)
    {
        folder.Property(f => f.Name).HasMaxLength(200);
        folder.HasIndex(f => new { f.MailboxId, f.ParentId, f.Name }).IsUnique();
        folder.HasIndex(f => new { f.MailboxId, f.Name }).IsUnique().HasFilter("\"ParentId\" IS NULL").HasDatabaseName("IX_Folder_TopName");
        folder.HasIndex(f => new { f.MailboxId, f.SpecialUse }).IsUnique().HasFilter("\"SpecialUse\" <> 0");
        folder.HasOne<Mailbox>().WithMany().HasForeignKey(f => f.MailboxId).OnDelete(DeleteBehavior.Restrict);
        folder.HasOne<Folder>().WithMany().HasForeignKey(f => f.ParentId).OnDelete(DeleteBehavior.Restrict);
    }
}
