using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Portal.Core.Permissions;

namespace Portal.Web.Security;

/// <summary>A page for whoever holds at least one of these capabilities: <c>@attribute [Requires(Capability.ViewQueue)]</c>. The service checks again, with the scope.</summary>
/// <remarks>As a policy with a name, which the pipeline and the router of an open page both understand; a requirement alone only the pipeline does.</remarks>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RequiresAttribute(params Capability[] anyOf) : Attribute, IAuthorizeData
{
    public IReadOnlyList<Capability> AnyOf { get; } = anyOf;

    /// <summary>Whether a capability held in one domain is not enough.</summary>
    public bool Everywhere { get; init; }

    string? IAuthorizeData.Policy
    {
        get => CapabilityPolicies.NameOf(AnyOf, Everywhere);
        set => throw new NotSupportedException("The capabilities are the policy.");
    }

    string? IAuthorizeData.Roles { get; set; }

    string? IAuthorizeData.AuthenticationSchemes { get; set; }
}

/// <summary>Turns the names of such policies into requirements.</summary>
internal sealed class CapabilityPolicies(IOptions<AuthorizationOptions> options) : DefaultAuthorizationPolicyProvider(options)
{
    private const string AnyPrefix = "capability:";
    private const string EverywherePrefix = "capability-everywhere:";

    public static string NameOf(IReadOnlyList<Capability> anyOf, bool everywhere) => (everywhere ? EverywherePrefix : AnyPrefix) + string.Join(',', anyOf);

    public override Task<AuthorizationPolicy?> GetPolicyAsync(string policyName)
    {
        var everywhere = policyName.StartsWith(EverywherePrefix, StringComparison.Ordinal);
        if (!everywhere && !policyName.StartsWith(AnyPrefix, StringComparison.Ordinal)) return base.GetPolicyAsync(policyName);
        var anyOf = policyName[(everywhere ? EverywherePrefix : AnyPrefix).Length..].Split(',').Select(Enum.Parse<Capability>).ToList();
        return Task.FromResult<AuthorizationPolicy?>(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(new CapabilityRequirement(anyOf, everywhere)).Build());
    }
}

internal sealed record CapabilityRequirement(IReadOnlyList<Capability> AnyOf, bool Everywhere) : IAuthorizationRequirement;

internal sealed class CapabilityHandler(Sessions sessions) : AuthorizationHandler<CapabilityRequirement>
{
    protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, CapabilityRequirement requirement)
    {
        if (await sessions.FindAsync(context.User, CancellationToken.None) is not { } account) return;

        var actor = Actor.ForAccount(account.Id, account.LoginName, account.HeldRoles, Channel.Portal, null);
        if (requirement.AnyOf.Any(requirement.Everywhere ? actor.MayEverywhere : actor.May)) context.Succeed(requirement);
    }
}
