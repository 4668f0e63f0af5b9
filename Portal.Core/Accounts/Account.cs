using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Accounts;

/// <summary>Colours of the portal for one person.</summary>
public enum ColourScheme
{
    System,
    Light,
    Dark,
}

/// <summary>Who signs in; a person or (later) a service. UserName is the primary address in folded form.</summary>
public sealed class Account : IdentityUser<Guid>
{
    public Account() => Id = Guid.CreateVersion7();

    /// <summary>Name shown to people.</summary>
    public string DisplayName { get; set; } = "";

    /// <summary>"en" or "zh-Hans"; null follows the browser.</summary>
    public string? Language { get; set; }

    /// <summary>IANA time zone; null follows the organisation's.</summary>
    public string? TimeZone { get; set; }

    public ColourScheme Scheme { get; set; }

    /// <summary>A disabled account signs in nowhere.</summary>
    public bool IsDisabled { get; set; }

    /// <summary>SCRAM-SHA-256 verifier (RFC 5803 form), sealed by SecretBox; written with every password.</summary>
    public byte[]? ScramVerifier { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Made by the demo command.</summary>
    public bool IsDemo { get; init; }

    /// <summary>Raised by one on each change by a person.</summary>
    public int Version { get; set; }
}

internal sealed class AccountConfiguration : IEntityTypeConfiguration<Account>
{
    public void Configure(EntityTypeBuilder<Account> account)
    {
        account.ToTable("Account");
        account.Property(a => a.Id).ValueGeneratedNever();
        account.Property(a => a.DisplayName).HasMaxLength(200);
        account.Property(a => a.Language).HasMaxLength(20);
        account.Property(a => a.TimeZone).HasMaxLength(60);
        account.Property(a => a.Version).IsConcurrencyToken();
        account.HasIndex(a => new { a.UserName, a.DisplayName, a.IsDisabled }).HasDatabaseName("IX_Account_List");   // what the list sorts and searches by
    }
}
