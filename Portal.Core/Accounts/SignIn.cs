using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>How a sign-in ended.</summary>
public enum SignInResultKind
{
    Succeeded,
    WrongPassword,
    Disabled,
    SlowedDown,
}

/// <summary>One try to sign in, kept for the person and for helpdesk ("why the last sign-in failed").</summary>
public sealed class SignIn
{
    public long Id { get; init; }

    public Guid AccountId { get; init; }

    public DateTimeOffset At { get; init; }

    public Channel Channel { get; init; }

    public string? Address { get; init; }

    public SignInResultKind Result { get; init; }
}

internal sealed class SignInConfiguration : IEntityTypeConfiguration<SignIn>
{
    public void Configure(EntityTypeBuilder<SignIn> signIn)
    {
        signIn.HasIndex(s => new { s.AccountId, s.At });
        signIn.HasIndex(s => new { s.At, s.Id });   // what has grown old
        signIn.Property(s => s.Address).HasMaxLength(64);
        signIn.HasOne<Account>().WithMany().HasForeignKey(s => s.AccountId).OnDelete(DeleteBehavior.Cascade);
    }
}

/// <summary>Failures of one (account name, network) pair, or of a network with any name: they slow down, they never lock out (DESIGN §6).</summary>
public sealed class SignInThrottle
{
    /// <summary>Stands for all names of a network together; no login is folded to it, for names are trimmed.</summary>
    public const string AnyName = " ";

    /// <summary>Stands for every network: somebody who was unlocked is no stranger anywhere until <see cref="NotBefore"/>.</summary>
    public const string AnyNetwork = "*";

    /// <summary>Folded login name, also of accounts that don't exist, so that both read alike; or <see cref="AnyName"/>.</summary>
    public required string LoginName { get; init; }

    /// <summary>/32 or /64 in CIDR form; or <see cref="AnyNetwork"/>.</summary>
    public required string Network { get; init; }

    public int Failures { get; set; }

    public DateTimeOffset LastFailureAt { get; set; }

    /// <summary>Tries before this instant are refused unread.</summary>
    public DateTimeOffset NotBefore { get; set; }
}

internal sealed class SignInThrottleConfiguration : IEntityTypeConfiguration<SignInThrottle>
{
    public void Configure(EntityTypeBuilder<SignInThrottle> throttle)
    {
        throttle.HasKey(t => new { t.LoginName, t.Network });
        throttle.Property(t => t.LoginName).HasMaxLength(320);
        throttle.Property(t => t.Network).HasMaxLength(64);
        throttle.HasIndex(t => t.LastFailureAt);
    }
}
