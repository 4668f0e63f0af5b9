using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Addresses;

namespace Portal.Core.Domains;

/// <summary>A domain we take mail for; an alias domain points at the one it stands for.</summary>
public sealed class Domain
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>A-label form, lower case, unique (RFC 5890 §2.3.2.1).</summary>
    public required string Name { get; init; }

    /// <summary>U-label form, as people read it.</summary>
    public required string DisplayName { get; init; }

    /// <summary>The domain this one is another name of; null for a domain of its own.</summary>
    public Guid? AliasOfId { get; init; }

    public DomainKind Kind { get; set; }

    /// <summary>Host name or address of the host its mail goes on to; null for none, or where the MX of a relayed domain says it.</summary>
    public string? OnwardHost { get; set; }

    public int OnwardPort { get; set; } = 25;

    public RouteTls OnwardTls { get; set; }

    public RecipientCheck RecipientCheck { get; set; }

    /// <summary>When its mail began to go there: what another host has said before counts no more. Null for a hosted domain.</summary>
    public DateTimeOffset? OnwardSince { get; set; }

    /// <summary>A disabled domain answers 550 5.2.1 to every recipient.</summary>
    public bool IsDisabled { get; set; }

    /// <summary>Quota a new mailbox starts with, in bytes; null for none.</summary>
    public long? DefaultQuotaBytes { get; set; }

    /// <summary>After how many months its DKIM keys change by themselves; null for never.</summary>
    public int? RotateDkimEveryMonths { get; set; }

    public MtaStsMode MtaStsMode { get; set; }

    /// <summary>How long senders may keep its MTA-STS policy; null for what suits the mode.</summary>
    public int? MtaStsMaxAgeDays { get; set; }

    /// <summary>Until when senders may hold a policy served before the last change; null while nothing was changed.</summary>
    public DateTimeOffset? MtaStsHeldUntil { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public bool IsDemo { get; init; }

    /// <summary>Raised by one on each change by a person.</summary>
    public int Version { get; set; }

    /// <summary>The parts of it that say where its mail goes.</summary>
    internal Onward Onward => new() { Kind = Kind, Host = OnwardHost, Port = OnwardPort, Tls = OnwardTls, Check = RecipientCheck };

    internal void Put(Onward onward, DateTimeOffset at)
    {
        (Kind, OnwardHost, OnwardPort, OnwardTls, RecipientCheck) = (onward.Kind, onward.Host, onward.Port, onward.Tls, onward.Check);
        OnwardSince = onward.Kind == DomainKind.Hosted ? null : at;
    }
}

internal sealed class DomainConfiguration : IEntityTypeConfiguration<Domain>
{
    public void Configure(EntityTypeBuilder<Domain> domain)
    {
        domain.Property(d => d.Id).ValueGeneratedNever();
        domain.Property(d => d.Name).HasMaxLength(255);
        domain.Property(d => d.DisplayName).HasMaxLength(255);
        domain.HasIndex(d => d.Name).IsUnique();
        domain.Ignore(d => d.Onward);
        domain.Property(d => d.OnwardHost).HasMaxLength(255);
        domain.Property(d => d.OnwardPort).HasDefaultValue(25);
        domain.HasIndex(d => d.Kind).HasFilter("\"Kind\" <> 0");
        domain.HasIndex(d => d.RotateDkimEveryMonths).HasFilter("\"RotateDkimEveryMonths\" IS NOT NULL");
        domain.HasOne<Domain>().WithMany().HasForeignKey(d => d.AliasOfId).OnDelete(DeleteBehavior.Restrict);
        domain.Property(d => d.Version).IsConcurrencyToken();
    }
}
