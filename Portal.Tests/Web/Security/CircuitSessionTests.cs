using System.Runtime.CompilerServices;
using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Portal.Core.Accounts;
using Portal.Core.Data;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Web.Hosting;
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

    [Theory, BothDatabases]
    public async Task Sessions_that_are_ended_end_the_account_s_open_pages_at_once(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var (anna, ben) = (await database.AddMailboxAsync("anna@portal.test"), await database.AddMailboxAsync("ben@portal.test"));
        using var hers = await OpenAsync(database, anna.AccountId);
        using var his = await OpenAsync(database, ben.AccountId);
        var ended = new TaskCompletionSource();
        hers.AuthenticationStateChanged += state => _ = HearAsync(state);

        Assert.True((await database.Get<AccountService>().SignOutEverywhereAsync(Actor.Operator(), anna.AccountId, CancellationToken.None)).IsDone);

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(8));   // sooner than the look every ten seconds: the change itself was heard
        Assert.False((await hers.GetAuthenticationStateAsync()).User.Identity?.IsAuthenticated);
        Assert.True((await his.GetAuthenticationStateAsync()).User.Identity?.IsAuthenticated);

        async Task HearAsync(Task<AuthenticationState> state)
        {
            if ((await state).User.Identity?.IsAuthenticated != true) ended.TrySetResult();
        }
    }

    private static async Task<CircuitSession> OpenAsync(TestDatabase database, Guid accountId)
    {
        var stamp = (await database.Get<RoleDirectory>().FindAsync(accountId, CancellationToken.None))!.SecurityStamp;
        var session = new CircuitSession(NullLoggerFactory.Instance, new Sessions(database.Get<RoleDirectory>(), database.Get<EndedSessions>(), database.Get<SessionUses>(), Options.Create(new WebOptions()), database.Clock), database.Feed);
        session.SetAuthenticationState(Task.FromResult(new AuthenticationState(new ClaimsPrincipal(new ClaimsIdentity(
            [new(ClaimTypes.NameIdentifier, accountId.ToString()), new("AspNet.Identity.SecurityStamp", stamp), .. Sessions.ClaimsOf(Guid.NewGuid(), database.Clock.GetUtcNow())], "test")))));
        return session;
    }

    private static Sessions SessionsOf(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed) =>
        new(new RoleDirectory(databases, feed, TimeProvider.System), new EndedSessions(databases, new WriteGate(false), feed, TimeProvider.System), new SessionUses(databases, new WriteGate(false), TimeProvider.System, NullLogger<SessionUses>.Instance), Options.Create(new WebOptions()), TimeProvider.System);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ValidateAuthenticationStateAsync")]
    internal static extern Task<bool> ValidateAsync(CircuitSession session, AuthenticationState state, CancellationToken cancel);

    private sealed class LostDatabase : IDbContextFactory<PortalDbContext>
    {
        public PortalDbContext CreateDbContext() => throw new NpgsqlException("refused");
    }
}
