using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Web.Components;
using Portal.Web.Hosting;

namespace Portal.Web.Security;

/// <summary>
/// From a signed-in browser to its account as it is now, and back: the cookie holds who it is and under which security stamp, which session
/// of the account and since when, nothing else.
/// </summary>
public sealed class Sessions(RoleDirectory directory, EndedSessions ended, SessionUses uses, IOptions<WebOptions> options, TimeProvider clock)
{
    /// <summary>Identity's own claim type for the stamp.</summary>
    private const string StampClaim = "AspNet.Identity.SecurityStamp";
    private const string IdClaim = "portal.session";
    private const string BegunClaim = "portal.begun";

    /// <summary>The account behind a principal; null for a visitor and for a session that was ended: signed out, too old, idle, stamp changed, account disabled or gone.</summary>
    public async ValueTask<AccountSnapshot?> FindAsync(ClaimsPrincipal user, CancellationToken cancel) => (await LookAsync(user, cancel)).Account;

    /// <summary>The same, and whether there is none because nobody was there for too long.</summary>
    internal async ValueTask<(AccountSnapshot? Account, bool WasAway)> LookAsync(ClaimsPrincipal user, CancellationToken cancel)
    {
        if (!Guid.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), out var id)) return default;
        if (SessionOf(user) is not { } session || ExpiryOf(session.BegunAt) <= clock.GetUtcNow()) return default;

        var account = await directory.FindAsync(id, cancel);
        if (account is not { IsDisabled: false } || account.SecurityStamp != user.FindFirstValue(StampClaim)) return default;
        if (await ended.HasEndedAsync(session.Id, cancel)) return default;
        var isAway = EndsIdle(account) && await IsIdleAsync(session.Id, session.BegunAt, cancel);
        return isAway ? (null, true) : (account, false);
    }

    /// <summary>Signs the browser in as this account; also takes over how the person wants to see things.</summary>
    public async Task<bool> BeginAsync(HttpContext context, Guid accountId)
    {
        if (await directory.FindAsync(accountId, context.RequestAborted) is not { IsDisabled: false } account) return false;

        var identity = new ClaimsIdentity(
            [
                new(ClaimTypes.NameIdentifier, account.Id.ToString()),
                new(ClaimTypes.Name, account.LoginName),
                new(StampClaim, account.SecurityStamp),
                .. ClaimsOf(Guid.NewGuid(), clock.GetUtcNow()),
            ],
            IdentityConstants.ApplicationScheme);
        await context.SignInAsync(IdentityConstants.ApplicationScheme, new ClaimsPrincipal(identity));
        Display.Remember(context, account.Scheme);
        return true;
    }

    /// <summary>Ends the session of this browser in all its pages, and on every node.</summary>
    public async Task EndAsync(HttpContext context)
    {
        // First, and also when the browser leaves: without it the other pages, and a copy of the cookie, would live on.
        if (SessionOf(context.User) is { } session) await ended.EndAsync(session.Id, ExpiryOf(session.BegunAt), CancellationToken.None);
        await ForgetAsync(context);
    }

    /// <summary>Which session of the account it is and since when.</summary>
    internal static IEnumerable<Claim> ClaimsOf(Guid sessionId, DateTimeOffset begunAt) =>
        [new(IdClaim, sessionId.ToString()), new(BegunClaim, begunAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture))];

    /// <summary>Asked at each request: an ended session is no session.</summary>
    internal static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var sessions = context.HttpContext.RequestServices.GetRequiredService<Sessions>();
        var (account, wasAway) = await sessions.LookAsync(context.Principal!, context.HttpContext.RequestAborted);
        if (account is not null)
        {
            if (context.HttpContext.Connection.RemoteIpAddress is { } client) context.HttpContext.RequestServices.GetRequiredService<WebConnections>().Remember(client);
            // An open page comes back to its circuit by itself; everything else somebody asked for.
            if (!context.HttpContext.Request.Path.StartsWithSegments("/_blazor")) await sessions.UseAsync(context.Principal!, account, context.HttpContext.RequestAborted);
            return;
        }

        if (wasAway) context.HttpContext.Items[typeof(Sessions)] = true;
        context.RejectPrincipal();
        await ForgetAsync(context.HttpContext);
    }

    /// <summary>Whether this request came with a session that ended because nobody was there.</summary>
    internal static bool WasAway(HttpContext context) => context.Items.ContainsKey(typeof(Sessions));

    private Task UseAsync(ClaimsPrincipal user, AccountSnapshot account, CancellationToken cancel) =>
        SessionOf(user) is { } session ? uses.UseAsync(session.Id, ExpiryOf(session.BegunAt), EndsIdle(account), cancel) : Task.CompletedTask;

    // A webmail may stay open all day; what governs others may not be left alone (ADR 4).
    private static bool EndsIdle(AccountSnapshot account) => account.HeldRoles.Any(r => Roles.CapabilitiesOf(r.Role).Any(c => c != Capability.UseOwnMail));

    private async ValueTask<bool> IsIdleAsync(Guid sessionId, DateTimeOffset begunAt, CancellationToken cancel)
    {
        var since = clock.GetUtcNow() - options.Value.AdministratorIdleTimeout;
        return begunAt < since && !await uses.IsUsedSinceAsync(sessionId, since, cancel);
    }

    private DateTimeOffset ExpiryOf(DateTimeOffset begunAt) => begunAt + options.Value.SessionLifetime;

    private static Task ForgetAsync(HttpContext context) => context.SignOutAsync(IdentityConstants.ApplicationScheme);

    /// <summary>Null without its claims: a visitor, or a cookie of a version that had none.</summary>
    private static (Guid Id, DateTimeOffset BegunAt)? SessionOf(ClaimsPrincipal user) =>
        Guid.TryParse(user.FindFirstValue(IdClaim), out var id) && long.TryParse(user.FindFirstValue(BegunClaim), CultureInfo.InvariantCulture, out var seconds)
            ? (id, DateTimeOffset.FromUnixTimeSeconds(seconds))
            : null;
}
