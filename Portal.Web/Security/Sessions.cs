using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;
using Portal.Core.Accounts;
using Portal.Web.Components;

namespace Portal.Web.Security;

/// <summary>From a signed-in browser to its account as it is now, and back: the cookie holds who it is and under which security stamp, nothing else.</summary>
public sealed class Sessions(RoleDirectory directory)
{
    /// <summary>Identity's own claim type for the stamp.</summary>
    private const string StampClaim = "AspNet.Identity.SecurityStamp";

    /// <summary>The account behind a principal; null for a visitor and for a session that was ended: stamp changed, account disabled or gone.</summary>
    public async ValueTask<AccountSnapshot?> FindAsync(ClaimsPrincipal user, CancellationToken cancel)
    {
        if (!Guid.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), out var id)) return null;

        var account = await directory.FindAsync(id, cancel);
        return account is { IsDisabled: false } && account.SecurityStamp == user.FindFirstValue(StampClaim) ? account : null;
    }

    /// <summary>Signs the browser in as this account; also takes over how the person wants to see things.</summary>
    public async Task<bool> BeginAsync(HttpContext context, Guid accountId)
    {
        if (await directory.FindAsync(accountId, context.RequestAborted) is not { IsDisabled: false } account) return false;

        var identity = new ClaimsIdentity(
            [new(ClaimTypes.NameIdentifier, account.Id.ToString()), new(ClaimTypes.Name, account.LoginName), new(StampClaim, account.SecurityStamp)],
            IdentityConstants.ApplicationScheme);
        await context.SignInAsync(IdentityConstants.ApplicationScheme, new ClaimsPrincipal(identity));
        Display.Remember(context, account.Scheme);
        return true;
    }

    public static Task EndAsync(HttpContext context) => context.SignOutAsync(IdentityConstants.ApplicationScheme);

    /// <summary>Asked at each request: an ended session is no session.</summary>
    internal static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var sessions = context.HttpContext.RequestServices.GetRequiredService<Sessions>();
        if (await sessions.FindAsync(context.Principal!, context.HttpContext.RequestAborted) is not null) return;

        context.RejectPrincipal();
        await EndAsync(context.HttpContext);
    }
}
