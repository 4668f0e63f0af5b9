using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Accounts;

/// <summary>A session of the portal that its person ended before its time; kept until that time.</summary>
public sealed class EndedSession
{
    /// <summary>The session's own id, which its cookie holds.</summary>
    public Guid Id { get; init; }

    /// <summary>From here on the cookie is worth nothing anyway.</summary>
    public DateTimeOffset ExpiresAt { get; init; }
}

internal sealed class EndedSessionConfiguration : IEntityTypeConfiguration<EndedSession>
{
    public void Configure(EntityTypeBuilder<EndedSession> session)
    {
        session.Property(s => s.Id).ValueGeneratedNever();
        session.HasIndex(s => s.ExpiresAt);
    }
}
