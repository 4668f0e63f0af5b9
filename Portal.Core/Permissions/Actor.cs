using System.Collections.Frozen;
using Portal.Core.Audit;
using Portal.Core.Data;

namespace Portal.Core.Permissions;

/// <summary>What kind of party acts.</summary>
public enum ActorKind
{
    Visitor,
    Account,
    ApiKey,

    /// <summary>The command line: who can read the data folder holds every capability.</summary>
    Operator,
    System,
}

/// <summary>The door an act came through.</summary>
public enum Channel
{
    Portal,
    Api,
    CommandLine,
    Smtp,
    Imap,
    Job,
}

/// <summary>Where a role counts: everything, or the domain named.</summary>
/// <param name="DomainId">Null means everything.</param>
public readonly record struct Scope(Guid? DomainId)
{
    public static readonly Scope Everything = new(null);
}

/// <summary>A role held in a scope.</summary>
public readonly record struct HeldRole(Role Role, Scope Scope);

/// <summary>Who asks. Made for each action, never kept by a component (DESIGN §6).</summary>
public sealed class Actor
{
    private readonly FrozenSet<Capability> everywhere;

    private Actor(ActorKind kind, Guid? accountId, string name, Channel channel, string? address, IReadOnlyList<HeldRole> roles, FrozenSet<Capability> everywhere) =>
        (Kind, AccountId, Name, Channel, Address, HeldRoles, this.everywhere) = (kind, accountId, name, channel, address, roles, everywhere);

    public ActorKind Kind { get; }

    /// <summary>The account that acts; null for operator, system and visitor.</summary>
    public Guid? AccountId { get; }

    /// <summary>Name for the audit: an address, or "operator", "system", "visitor".</summary>
    public string Name { get; }

    public Channel Channel { get; }

    /// <summary>Network address the request came from; null where there is none.</summary>
    public string? Address { get; }

    public IReadOnlyList<HeldRole> HeldRoles { get; }

    /// <summary>Why it is done, in the person's own words, for the audit; null where none were given.</summary>
    public string? Reason { get; private init; }

    public static Actor Operator(Channel channel = Channel.CommandLine) => new(ActorKind.Operator, null, "operator", channel, null, [], [.. Enum.GetValues<Capability>()]);

    public static Actor System(Channel channel = Channel.Job) => new(ActorKind.System, null, "system", channel, null, [], [.. Enum.GetValues<Capability>()]);

    public static Actor Visitor(string? address, Channel channel = Channel.Portal) => new(ActorKind.Visitor, null, "visitor", channel, address, [], []);

    public static Actor ForAccount(Guid accountId, string name, IReadOnlyList<HeldRole> roles, Channel channel, string? address) =>
        new(ActorKind.Account, accountId, name, channel, address, roles, []);

    /// <summary>The same actor, with a reason for what is asked now.</summary>
    public Actor Because(string? reason) => new(Kind, AccountId, Name, Channel, Address, HeldRoles, everywhere)
    {
        Reason = reason?.Trim() is { Length: > 0 } given ? StorableText.Cut(given, AuditEntry.MaxReasonLength) : null,
    };

    /// <summary>Whether the capability is held anywhere at all; for menus, and for what belongs to no domain.</summary>
    public bool May(Capability capability) => everywhere.Contains(capability) || HeldRoles.Any(r => Roles.CapabilitiesOf(r.Role).Contains(capability));

    /// <summary>Whether the capability is held for this domain.</summary>
    public bool May(Capability capability, Guid domainId) =>
        everywhere.Contains(capability) || HeldRoles.Any(r => (r.Scope.DomainId is null || r.Scope.DomainId == domainId) && Roles.CapabilitiesOf(r.Role).Contains(capability));

    /// <summary>Whether the capability is held for everything, as what belongs to no domain yet asks for.</summary>
    public bool MayEverywhere(Capability capability) =>
        everywhere.Contains(capability) || HeldRoles.Any(r => r.Scope.DomainId is null && Roles.CapabilitiesOf(r.Role).Contains(capability));

    /// <summary>The domains for which the capability is held; null means all of them.</summary>
    public IReadOnlyCollection<Guid>? DomainsWith(Capability capability) =>
        MayEverywhere(capability) ? null : [.. HeldRoles.Where(r => Roles.CapabilitiesOf(r.Role).Contains(capability)).Select(r => r.Scope.DomainId!.Value).Distinct()];

    /// <summary>Rank safety: nobody touches an account that holds a capability they lack, or holds it where they don't.</summary>
    public bool Outranks(IEnumerable<HeldRole> other) =>
        other.All(r => Roles.CapabilitiesOf(r.Role).All(c => c == Capability.UseOwnMail || (r.Scope.DomainId is { } domainId ? May(c, domainId) : MayEverywhere(c))));
}
