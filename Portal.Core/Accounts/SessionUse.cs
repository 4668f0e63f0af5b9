using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Accounts;

/// <summary>When the person of a session was last there, for sessions that end when nobody is; kept until the session's time is over.</summary>
public sealed class SessionUse
{
    /// <summary>The session's own id, which its cookie holds.</summary>
    public Guid Id { get; init; }

    /// <summary>The last sign of the person, to within <see cref="SessionUses.WriteEvery"/>.</summary>
    public DateTimeOffset SeenAt { get; set; }

    /// <summary>From here on the cookie is worth nothing anyway.</summary>
    public DateTimeOffset ExpiresAt { get; init; }
}

internal sealed class SessionUseConfiguration : IEntityTypeConfiguration<SessionUse>
{
    public void Configure(EntityTypeBuilder<SessionUse> use)
    {
        use.Property(u => u.Id).ValueGeneratedNever();
        use.HasIndex(u => u.ExpiresAt);
    }
}
