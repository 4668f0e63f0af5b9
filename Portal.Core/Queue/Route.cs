using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Addresses;

namespace Portal.Core.Queue;

/// <summary>What a route is chosen by; the most specific wins: sender, then recipient domain, then all.</summary>
public enum RouteMatch
{
    All,
    RecipientDomain,
    Sender,
}

/// <summary>A smart host and the mail that goes through it; without one, MX decides.</summary>
public sealed class Route
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required string Name { get; set; }

    public RouteMatch Match { get; set; }

    /// <summary>Recipient domain (A-label), or sender address or "@domain"; empty for <see cref="RouteMatch.All"/>.</summary>
    public string Pattern { get; set; } = "";

    public required string Host { get; set; }

    public int Port { get; set; } = 25;

    public RouteTls Tls { get; set; }

    public string? UserName { get; set; }

    /// <summary>Password for the smart host, sealed by SecretBox; null for none.</summary>
    public byte[]? SealedPassword { get; set; }

    public bool IsDisabled { get; set; }

    public bool IsDemo { get; init; }

    /// <summary>Raised by one on each change by a person.</summary>
    public int Version { get; set; }
}

internal sealed class RouteConfiguration : IEntityTypeConfiguration<Route>
{
    public void Configure(EntityTypeBuilder<Route> route)
    {
        route.Property(r => r.Id).ValueGeneratedNever();
        route.Property(r => r.Name).HasMaxLength(100);
        route.Property(r => r.Pattern).HasMaxLength(320);
        route.Property(r => r.Host).HasMaxLength(255);
        route.Property(r => r.UserName).HasMaxLength(320);
        route.HasIndex(r => new { r.Match, r.Pattern }).IsUnique();
        route.Property(r => r.Version).IsConcurrencyToken();
    }
}
