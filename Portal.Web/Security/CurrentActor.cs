using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Portal.Core.Accounts;
using Portal.Core.Permissions;

namespace Portal.Web.Security;

/// <summary>
/// Who acts in this circuit or request. Asked anew for each action: roles come from the change-fed cache, and a session that was
/// ended (password reset, account disabled) acts as a visitor, who may do nothing. No component keeps the result.
/// </summary>
public sealed class CurrentActor(Sessions sessions, AuthenticationStateProvider circuit, IHttpContextAccessor http)
{
    private bool isPage;
    private string? address;

    /// <summary>Called once by the root of every page: from here on the page's own authentication state counts, since the request that began it ends.</summary>
    /// <param name="clientAddress">Network address of the browser.</param>
    public void BeginPage(string? clientAddress) => (isPage, address) = (true, clientAddress);

    public async ValueTask<Actor> GetAsync(CancellationToken cancel = default)
    {
        var account = await AccountAsync(cancel);
        var from = isPage ? address : http.HttpContext?.Connection.RemoteIpAddress?.ToString();
        return account is null ? Actor.Visitor(from) : Actor.ForAccount(account.Id, account.LoginName, account.HeldRoles, Channel.Portal, from);
    }

    /// <summary>The account that acts; null for a visitor.</summary>
    public async ValueTask<AccountSnapshot?> AccountAsync(CancellationToken cancel = default)
    {
        var principal = isPage ? (await circuit.GetAuthenticationStateAsync()).User : http.HttpContext?.User ?? new ClaimsPrincipal();
        return await sessions.FindAsync(principal, cancel);
    }
}
