using Microsoft.AspNetCore.Authorization;
using Portal.Core.Permissions;

namespace Portal.Web.Security;

/// <summary>A page for whoever holds at least one of these capabilities: <c>@attribute [Requires(Capability.ViewQueue)]</c>. The service checks again, with the scope.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RequiresAttribute(params Capability[] anyOf) : AuthorizeAttribute, IAuthorizationRequirementData
{
    public IReadOnlyList<Capability> AnyOf { get; } = anyOf;

    /// <summary>Whether a capability held in one domain is not enough.</summary>
    public bool Everywhere { get; init; }

    public IEnumerable<IAuthorizationRequirement> GetRequirements() => [new CapabilityRequirement(AnyOf, Everywhere)];
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
