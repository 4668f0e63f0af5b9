using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;

namespace Portal.Web.Security;

/// <summary>From a signed-in principal to its account as it is now; a changed security stamp or a disabled account reads as nobody.</summary>
public sealed class Accounts(AccountDirectory directory, IOptions<IdentityOptions> identity)
{
    public async ValueTask<AccountFacts?> FindValidAsync(ClaimsPrincipal user, CancellationToken cancel)
    {
        if (!Guid.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), out var id)) return null;

        var facts = await directory.FindAsync(id, cancel);
        if (facts is null || facts.IsDisabled) return null;
        return user.FindFirstValue(identity.Value.ClaimsIdentity.SecurityStampClaimType) == facts.SecurityStamp ? facts : null;
    }
}
