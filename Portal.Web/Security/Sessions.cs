using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;
using Portal.Core.Accounts;
using Portal.Web.Components;
using Portal.Web.Hosting;

namespace Portal.Web.Security;

/// <summary>
/// From a signed-in browser to its account as it is now, and back: the cookie holds who it is and under which security stamp, which session
/// of the account and since when, nothing else.
/// </summary>
public sealed class Sessions(RoleDirectory directory, EndedSessions ended, TimeProvider clock)
{
    /// <summary>How long a session lasts, whatever its cookie or an open page says.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(12);

    /// <summary>Identity's own claim type for the stamp.</summary>
    private const string StampClaim = "AspNet.Identity.SecurityStamp";
    private const string IdClaim = "portal.session";
    private const string BegunClaim = "portal.begun";

    /// <summary>The account behind a principal; null for a visitor and for a session that was ended: signed out, too old, stamp changed, account disabled or gone.</summary>
    public async ValueTask<AccountSnapshot?> FindAsync(ClaimsPrincipal user, CancellationToken cancel)
    {
        if (!Guid.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), out var id)) return null;
        if (SessionOf(user) is not { } session || session.ExpiresAt <= clock.GetUtcNow()) return null;

        var account = await directory.FindAsync(id, cancel);
        if (account is not { IsDisabled: false } || account.SecurityStamp != user.FindFirstValue(StampClaim)) return null;
        return await ended.HasEndedAsync(session.Id, cancel) ? null : account;
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
        if (SessionOf(context.User) is { } session) await ended.EndAsync(session.Id, session.ExpiresAt, CancellationToken.None);
        await ForgetAsync(context);
    }

    /// <summary>Which session of the account it is and since when.</summary>
    internal static IEnumerable<Claim> ClaimsOf(Guid sessionId, DateTimeOffset begunAt) =>
        [new(IdClaim, sessionId.ToString()), new(BegunClaim, begunAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture))];

    /// <summary>Asked at each request: an ended session is no session.</summary>
    internal static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var sessions = context.HttpContext.RequestServices.GetRequiredService<Sessions>();
        if (await sessions.FindAsync(context.Principal!, context.HttpContext.RequestAborted) is not null)
        {
            if (context.HttpContext.Connection.RemoteIpAddress is { } client) context.HttpContext.RequestServices.GetRequiredService<WebConnections>().Remember(client);
            return;
        }

        context.RejectPrincipal();
        await ForgetAsync(context.HttpContext);
    }

    private static Task ForgetAsync(HttpContext context) => context.SignOutAsync(IdentityConstants.ApplicationScheme);

    /// <summary>Null without its claims: a visitor, or a cookie of a version that had none.</summary>
    private static (Guid Id, DateTimeOffset ExpiresAt)? SessionOf(ClaimsPrincipal user) =>
        Guid.TryParse(user.FindFirstValue(IdClaim), out var id) && long.TryParse(user.FindFirstValue(BegunClaim), CultureInfo.InvariantCulture, out var seconds)
            ? (id, DateTimeOffset.FromUnixTimeSeconds(seconds) + Life)
            : null;
}
