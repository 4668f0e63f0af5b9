using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Domains;

namespace Portal.Core.Lists;

/// <summary>What is done with mail that an entry matches; of two that match alike the later one here wins.</summary>
public enum ListKind
{
    /// <summary>Delivered, whatever the later checks would have said.</summary>
    Allow,

    /// <summary>Taken and put into quarantine.</summary>
    Quarantine,

    /// <summary>550 5.7.1.</summary>
    Refuse,
}

/// <summary>What an entry looks at; the more exact wins: address, then domain, then network.</summary>
public enum ListMatch
{
    /// <summary>The client's network address.</summary>
    Network,

    /// <summary>The domain of the envelope sender or of an address in From, with everything below it.</summary>
    Domain,

    /// <summary>The envelope sender, or an address in From.</summary>
    Address,
}

/// <summary>A sender that is always let through or never.</summary>
public sealed class ListEntry
{
    public const int MaxReasonLength = 500;

    public Guid Id { get; init; } = Guid.CreateVersion7();

    public ListKind Kind { get; set; }

    public ListMatch Match { get; init; }

    /// <summary>Folded address, domain in A-label form, or network as "address/prefix".</summary>
    public required string Pattern { get; init; }

    /// <summary>Whose recipients it is for; null for everybody's.</summary>
    public Guid? DomainId { get; init; }

    /// <summary>From when on it counts no more; null for ever.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>Why it is there, in the words of whoever made it.</summary>
    public string? Reason { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public required string CreatedBy { get; init; }

    /// <summary>Raised by one on each change by a person.</summary>
    public int Version { get; set; }
}

/// <summary>How often an entry decided; a row of its own, so that mail never meets the rows people edit (DESIGN §5).</summary>
public sealed class ListHits
{
    public Guid EntryId { get; init; }

    public long Count { get; set; }

    /// <summary>Null before the first.</summary>
    public DateTimeOffset? LastAt { get; set; }
}

internal sealed class ListEntryConfiguration : IEntityTypeConfiguration<ListEntry>, IEntityTypeConfiguration<ListHits>
{
    public void Configure(EntityTypeBuilder<ListEntry> entry)
    {
        entry.Property(e => e.Id).ValueGeneratedNever();
        entry.Property(e => e.Pattern).HasMaxLength(320);
        entry.Property(e => e.Reason).HasMaxLength(ListEntry.MaxReasonLength);
        entry.Property(e => e.CreatedBy).HasMaxLength(320);
        entry.Property(e => e.Version).IsConcurrencyToken();
        // One opinion on one sender in one place: NULL equals nothing, so "everywhere" has an index of its own.
        entry.HasIndex(e => new { e.DomainId, e.Match, e.Pattern }).IsUnique().HasFilter("\"DomainId\" IS NOT NULL");
        entry.HasIndex(e => new { e.Match, e.Pattern }).IsUnique().HasFilter("\"DomainId\" IS NULL");
        entry.HasIndex(e => e.Pattern);   // the list's order
        entry.HasOne<Domain>().WithMany().HasForeignKey(e => e.DomainId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<ListHits> hits)
    {
        hits.HasKey(h => h.EntryId);
        hits.HasOne<ListEntry>().WithOne().HasForeignKey<ListHits>(h => h.EntryId).OnDelete(DeleteBehavior.Cascade);
    }
}
