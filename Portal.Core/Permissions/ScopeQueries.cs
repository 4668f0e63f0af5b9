using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Recipients;

namespace Portal.Core.Permissions;

/// <summary>An actor's scope as part of the query: what lies outside is not found rather than forbidden (DESIGN §6).</summary>
public static class ScopeQueries
{
    /// <summary>The domains for which the actor holds <paramref name="capability"/>.</summary>
    public static IQueryable<Domain> InScopeOf(this IQueryable<Domain> domains, Actor actor, Capability capability = Capability.ViewDirectory) =>
        actor.DomainsWith(capability) is { } visible ? domains.Where(d => visible.Contains(d.Id)) : domains;

    /// <inheritdoc cref="InScopeOf(IQueryable{Domain}, Actor, Capability)"/>
    public static IQueryable<Mailbox> InScopeOf(this IQueryable<Mailbox> mailboxes, Actor actor, Capability capability = Capability.ViewDirectory) =>
        actor.DomainsWith(capability) is { } visible ? mailboxes.Where(m => visible.Contains(m.DomainId)) : mailboxes;

    /// <inheritdoc cref="InScopeOf(IQueryable{Domain}, Actor, Capability)"/>
    public static IQueryable<Address> InScopeOf(this IQueryable<Address> addresses, Actor actor, Capability capability = Capability.ViewDirectory) =>
        actor.DomainsWith(capability) is { } visible ? addresses.Where(a => visible.Contains(a.DomainId)) : addresses;
}
