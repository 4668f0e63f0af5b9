using System.Runtime.CompilerServices;
using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Portal.Core.Accounts;
using Portal.Core.Data;
using Portal.Web.Security;

namespace Portal.Tests.Web.Security;

/// <summary>An open page ends with its session, and with nothing else.</summary>
public class CircuitSessionTests
{
    [Fact]
    public async Task A_lost_database_signs_nobody_out()
    {
        var feed = new ChangeFeed(NullLogger<ChangeFeed>.Instance);
        using var session = new CircuitSession(NullLoggerFactory.Instance, SessionsOf(new LostDatabase(), feed), feed);
        var user = new ClaimsPrincipal(new ClaimsIdentity([new(ClaimTypes.NameIdentifier, Guid.NewGuid().ToString()), .. Sessions.ClaimsOf(Guid.NewGuid(), DateTimeOffset.UtcNow)], "test"));

        Assert.True(await ValidateAsync(session, new AuthenticationState(user), CancellationToken.None));
    }

    private static Sessions SessionsOf(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed) =>
        new(new RoleDirectory(databases, feed, TimeProvider.System), new EndedSessions(databases, new WriteGate(false), feed, TimeProvider.System), TimeProvider.System);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ValidateAuthenticationStateAsync")]
    private static extern Task<bool> ValidateAsync(CircuitSession session, AuthenticationState state, CancellationToken cancel);

    private sealed class LostDatabase : IDbContextFactory<PortalDbContext>
    {
        public PortalDbContext CreateDbContext() => throw new NpgsqlException("refused");
    }
}
