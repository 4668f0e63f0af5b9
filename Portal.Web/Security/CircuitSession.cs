using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Portal.Core.Data;

namespace Portal.Web.Security;

/// <summary>Ends an open page with its session: looks whenever the directory changed or a session was ended, and every ten seconds for a hint that was lost and for a session grown too old or left alone.</summary>
internal sealed class CircuitSession : RevalidatingServerAuthenticationStateProvider
{
    private readonly Sessions sessions;
    private readonly IDisposable subscription;

    public CircuitSession(ILoggerFactory loggers, Sessions sessions, ChangeFeed feed) : base(loggers)
    {
        this.sessions = sessions;
        subscription = feed.Subscribe((area, mailbox) =>
        {
            if (area is Change.Directory or Change.Sessions) _ = LookAsync();
        });
    }

    /// <summary>Whether the session ended because nobody was there.</summary>
    public bool WasAway { get; private set; }

    protected override TimeSpan RevalidationInterval => TimeSpan.FromSeconds(10);

    protected override async Task<bool> ValidateAuthenticationStateAsync(AuthenticationState authenticationState, CancellationToken cancellationToken)
    {
        try
        {
            if (authenticationState.User.Identity?.IsAuthenticated != true) return true;
            (var account, WasAway) = await sessions.LookAsync(authenticationState.User, cancellationToken);
            return account is not null;
        }
        catch (Exception e) when (e.IsOutage())
        {
            return true;   // nobody loses what is being typed to a lost database; each action asks for itself
        }
    }

    protected override void Dispose(bool disposing)
    {
        subscription.Dispose();
        base.Dispose(disposing);
    }

    private async Task LookAsync()
    {
        await Task.Yield();   // the feed's handlers must be quick
        try
        {
            var state = await GetAuthenticationStateAsync();
            if (!await ValidateAuthenticationStateAsync(state, CancellationToken.None))
                SetAuthenticationState(Task.FromResult(new AuthenticationState(new ClaimsPrincipal(new ClaimsIdentity()))));
        }
        catch (Exception e) when (e is System.Data.Common.DbException or InvalidOperationException)
        {
            // The database said no, or there is no state yet: the look every ten seconds comes again, and each action asks for itself.
        }
    }
}
