using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Accounts;
using Portal.Core.Domains;

namespace Portal.Core.Mailboxes;

public enum MailboxKind
{
    User,
    Shared,
}

public enum MailboxState
{
    Active,

    /// <summary>Refuses mail (550 5.2.1) and its person can't sign in.</summary>
    Disabled,

    /// <summary>In its 30 days of grace: refuses mail, can be restored.</summary>
    Deleted,
}

/// <summary>What we store mail in.</summary>
public sealed class Mailbox
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public MailboxKind Kind { get; init; }

    /// <summary>Name shown to people.</summary>
    public required string Name { get; set; }

    public Guid DomainId { get; init; }

    /// <summary>Primary address in folded form with A-label domain; unique, sorted and searched by lists.</summary>
    public required string PrimaryAddress { get; init; }

    /// <summary>Who owns it; null for a mailbox without a person.</summary>
    public Guid? AccountId { get; init; }

    public MailboxState State { get; set; }

    /// <summary>When its grace began; null unless deleted.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>State to return to on restore.</summary>
    public MailboxState StateBeforeDelete { get; set; }

    /// <summary>Its own hard limit in bytes; null means no limit.</summary>
    public long? QuotaOverrideBytes { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public bool IsDemo { get; init; }

    /// <summary>Raised by one on each change by a person. Mail never touches this row.</summary>
    public int Version { get; set; }
}

/// <summary>What a mailbox holds now: counters only, in a row of their own, changed only by relative statements (DESIGN §5).</summary>
public sealed class MailboxUse
{
    public Guid MailboxId { get; init; }

    public long Bytes { get; set; }

    public long Items { get; set; }

    /// <summary>Since when mail has been refused for quota; null when there is room. After 5 days 452 becomes 552.</summary>
    public DateTimeOffset? FullSince { get; set; }

    /// <summary>The mark of its quota that its owner was last told of: 0, 80 or 95.</summary>
    public int WarnedPercent { get; set; }
}

internal sealed class MailboxConfiguration : IEntityTypeConfiguration<Mailbox>, IEntityTypeConfiguration<MailboxUse>
{
    public void Configure(EntityTypeBuilder<Mailbox> mailbox)
    {
        mailbox.Property(m => m.Id).ValueGeneratedNever();
        mailbox.Property(m => m.Name).HasMaxLength(200);
        mailbox.Property(m => m.PrimaryAddress).HasMaxLength(320);
        mailbox.HasIndex(m => m.PrimaryAddress).IsUnique();
        // What the list filters and searches by stands in the index it is sorted by: 100,000 rows are looked through without touching the table.
        mailbox.HasIndex(m => new { m.Name, m.PrimaryAddress, m.State, m.Kind, m.DomainId }).HasDatabaseName("IX_Mailbox_ListByName");
        mailbox.HasIndex(m => new { m.PrimaryAddress, m.Name, m.State, m.Kind, m.DomainId }).HasDatabaseName("IX_Mailbox_ListByAddress");
        mailbox.HasIndex(m => new { m.DomainId, m.PrimaryAddress });
        mailbox.HasIndex(m => new { m.State, m.PrimaryAddress });
        mailbox.HasIndex(m => m.AccountId);
        mailbox.HasIndex(m => m.DeletedAt).HasFilter("\"DeletedAt\" IS NOT NULL");
        mailbox.Property(m => m.Version).IsConcurrencyToken();
        mailbox.HasOne<Domain>().WithMany().HasForeignKey(m => m.DomainId).OnDelete(DeleteBehavior.Restrict);
        mailbox.HasOne<Account>().WithMany().HasForeignKey(m => m.AccountId).OnDelete(DeleteBehavior.Restrict);
    }

    public void Configure(EntityTypeBuilder<MailboxUse> use)
    {
        use.HasKey(u => u.MailboxId);
        use.HasOne<Mailbox>().WithOne().HasForeignKey<MailboxUse>(u => u.MailboxId).OnDelete(DeleteBehavior.Cascade);
    }
}
