using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Domains;

/// <summary>How a signature is made.</summary>
public enum SigningAlgorithm
{
    /// <summary>RFC 6376 §3.3.1, with 2,048 bits (RFC 8301 §3.2).</summary>
    RsaSha256,

    /// <summary>RFC 8463 §3.</summary>
    Ed25519Sha256,
}

/// <summary>Where a key stands in its life.</summary>
public enum DkimKeyState
{
    /// <summary>Its record has not been seen in the DNS yet; it signs nothing.</summary>
    Waiting,

    /// <summary>It signs.</summary>
    Active,

    /// <summary>It signs no longer, but mail under way names it: its record must stay.</summary>
    Retiring,

    /// <summary>Its record may be removed; the private key is gone.</summary>
    Retired,
}

/// <summary>A key with which mail of a domain is signed, two of them at a time: one for each algorithm, as not everybody can verify both.</summary>
public sealed class DkimKey
{
    public const int MaxSelectorLength = 63;

    public Guid Id { get; init; } = Guid.CreateVersion7();

    public Guid DomainId { get; init; }

    /// <summary>Under which the DNS has it, such as "r202611a" (RFC 6376 §3.1): letter of the algorithm, month, and which of that month.</summary>
    public required string Selector { get; init; }

    public SigningAlgorithm Algorithm { get; init; }

    /// <summary>Base64, as in the tag p= of its record.</summary>
    public required string PublicKey { get; init; }

    /// <summary>PKCS #8 for RSA, the seed of 32 octets for Ed25519, sealed by SecretBox; null once it is retired.</summary>
    public byte[]? PrivateKey { get; set; }

    public DkimKeyState State { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its record was first seen; null before.</summary>
    public DateTimeOffset? PublishedAt { get; set; }

    /// <summary>Since when it signs; null for one that never did.</summary>
    public DateTimeOffset? ActivatedAt { get; set; }

    /// <summary>Until when its record must stay; null while it may still sign.</summary>
    public DateTimeOffset? RetireAt { get; set; }

    public DateTimeOffset? LastCheckedAt { get; set; }

    /// <summary>What the DNS said then.</summary>
    public KeyRecordState? LastFound { get; set; }

    /// <summary>When the job looks for its record; null where it need not.</summary>
    public DateTimeOffset? NextCheckAt { get; set; }

    /// <summary>Raised by one on each change of state; that somebody looked is none.</summary>
    public int Version { get; set; }
}

internal sealed class DkimKeyConfiguration : IEntityTypeConfiguration<DkimKey>
{
    public void Configure(EntityTypeBuilder<DkimKey> key)
    {
        key.Property(k => k.Id).ValueGeneratedNever();
        key.Property(k => k.Selector).HasMaxLength(DkimKey.MaxSelectorLength);
        key.Property(k => k.PublicKey).HasMaxLength(1_000);
        key.Property(k => k.Version).IsConcurrencyToken();
        key.HasIndex(k => new { k.DomainId, k.Selector }).IsUnique();
        // One rotation at a time, also when two begin it at once.
        key.HasIndex(k => new { k.DomainId, k.Algorithm }).IsUnique().HasFilter("\"State\" = 0");
        // What the job is after is few, and so are these; keys that sign stand in neither.
        key.HasIndex(k => k.NextCheckAt).HasFilter("\"State\" = 0");
        key.HasIndex(k => k.RetireAt).HasFilter("\"State\" = 2");
        key.HasOne<Domain>().WithMany().HasForeignKey(k => k.DomainId).OnDelete(DeleteBehavior.Cascade);
    }
}
