using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Domains;

/// <summary>A recipient that the other host of a shared or relayed domain has: people have listed it, or the host confirmed it when it was asked.</summary>
public sealed class OnwardRecipient
{
    /// <summary>Names that may be listed for one domain.</summary>
    public const int MaxListed = 100_000;

    /// <summary>Local part of the row that says that the host takes any name.</summary>
    public const string AnyName = "";

    public Guid DomainId { get; init; }

    /// <summary>Local part folded for comparison, as in the register of addresses.</summary>
    public required string LocalPart { get; init; }

    public bool IsListed { get; set; }

    /// <summary>When the host last said that it takes mail for it; null when it was never asked.</summary>
    public DateTimeOffset? ConfirmedAt { get; set; }
}

internal sealed class OnwardRecipientConfiguration : IEntityTypeConfiguration<OnwardRecipient>
{
    public void Configure(EntityTypeBuilder<OnwardRecipient> recipient)
    {
        recipient.HasKey(r => new { r.DomainId, r.LocalPart });
        recipient.Property(r => r.LocalPart).HasMaxLength(64);   // RFC 5321 §4.5.3.1.1
        recipient.HasIndex(r => new { r.DomainId, r.LocalPart }).HasFilter("\"IsListed\"").HasDatabaseName("IX_OnwardRecipient_Listed");
        recipient.HasIndex(r => r.ConfirmedAt).HasFilter("NOT \"IsListed\"").HasDatabaseName("IX_OnwardRecipient_Aged");
        recipient.HasOne<Domain>().WithMany().HasForeignKey(r => r.DomainId).OnDelete(DeleteBehavior.Cascade);
    }
}
