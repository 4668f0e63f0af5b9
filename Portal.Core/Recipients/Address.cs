using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;

namespace Portal.Core.Recipients;

/// <summary>A name that mail can be sent to; the one register of all of them, each with exactly one target: a mailbox or a forwarder.</summary>
public sealed class Address
{
    /// <summary>Local part of the row that catches what no other row of its domain names; no address can be typed like this.</summary>
    public const string CatchAll = "";

    public Guid Id { get; init; } = Guid.CreateVersion7();

    public Guid DomainId { get; init; }

    /// <summary>Local part folded for comparison: invariant lower case, NFC (RFC 5321 §2.4 leaves its case to us). Empty for the catch-all.</summary>
    public required string LocalPart { get; init; }

    /// <summary>Local part as it was typed, for display.</summary>
    public required string Display { get; set; }

    /// <summary>The mailbox it delivers to; null when it belongs to a forwarder.</summary>
    public Guid? MailboxId { get; set; }

    /// <summary>The forwarder it goes through; null when it belongs to a mailbox.</summary>
    public Guid? ForwarderId { get; set; }

    /// <summary>The mailbox's own name rather than an alias of it.</summary>
    public bool IsPrimary { get; init; }

    public bool IsDemo { get; init; }

    /// <summary>Raised by one on each change by a person; a stale writer gets a concurrency error. Mail never touches this row.</summary>
    public int Version { get; set; }
}

internal sealed class AddressConfiguration : IEntityTypeConfiguration<Address>
{
    public void Configure(EntityTypeBuilder<Address> address)
    {
        address.ToTable(t => t.HasCheckConstraint("CK_Address_OneTarget", "(\"MailboxId\" IS NULL) <> (\"ForwarderId\" IS NULL)"));
        address.Property(a => a.Id).ValueGeneratedNever();
        address.HasIndex(a => new { a.DomainId, a.LocalPart }).IsUnique();
        address.HasIndex(a => new { a.LocalPart, a.DomainId }).HasFilter("NOT \"IsPrimary\"").HasDatabaseName("IX_Address_Alias");   // the list of aliases, among 100,000 primary names
        address.Property(a => a.LocalPart).HasMaxLength(64);   // RFC 5321 §4.5.3.1.1
        address.Property(a => a.Display).HasMaxLength(64);
        address.Property(a => a.Version).IsConcurrencyToken();
        address.HasOne<Domain>().WithMany().HasForeignKey(a => a.DomainId).OnDelete(DeleteBehavior.Restrict);
        address.HasOne<Mailbox>().WithMany().HasForeignKey(a => a.MailboxId).OnDelete(DeleteBehavior.Restrict);
        address.HasOne<Forwarder>().WithMany().HasForeignKey(a => a.ForwarderId).OnDelete(DeleteBehavior.Restrict);
    }
}

/// <summary>Sends what reaches its addresses on to 1 to 100 targets, here or elsewhere.</summary>
public sealed class Forwarder
{
    public const int MaxTargets = 100;

    public Guid Id { get; init; } = Guid.CreateVersion7();

    public Guid DomainId { get; init; }

    public List<ForwarderTarget> Targets { get; init; } = [];

    public bool IsDemo { get; init; }

    public int Version { get; set; }
}

/// <summary>One target of a forwarder: a whole address, local or external.</summary>
public sealed class ForwarderTarget
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public Guid ForwarderId { get; init; }

    /// <summary>Address in folded form, domain in A-label form.</summary>
    public required string Address { get; init; }
}

internal sealed class ForwarderConfiguration : IEntityTypeConfiguration<Forwarder>, IEntityTypeConfiguration<ForwarderTarget>
{
    public void Configure(EntityTypeBuilder<Forwarder> forwarder)
    {
        forwarder.Property(f => f.Id).ValueGeneratedNever();
        forwarder.Property(f => f.Version).IsConcurrencyToken();
        forwarder.HasOne<Domain>().WithMany().HasForeignKey(f => f.DomainId).OnDelete(DeleteBehavior.Restrict);
        forwarder.HasMany(f => f.Targets).WithOne().HasForeignKey(t => t.ForwarderId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<ForwarderTarget> target)
    {
        target.Property(t => t.Id).ValueGeneratedNever();
        target.Property(t => t.Address).HasMaxLength(320);
        target.HasIndex(t => new { t.ForwarderId, t.Address }).IsUnique();
    }
}
