using Portal.Core.Accounts;
using Portal.Core.Data;
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

    /// <summary>The accounts whose mailbox lies in a domain for which the actor holds <paramref name="capability"/>; those without a mailbox belong to no domain and are seen from everywhere only.</summary>
    public static IQueryable<Account> InScopeOf(this IQueryable<Account> accounts, PortalDbContext db, Actor actor, Capability capability = Capability.ViewDirectory) =>
        actor.DomainsWith(capability) is { } visible ? accounts.Where(a => db.Mailboxes.Any(m => m.AccountId == a.Id && visible.Contains(m.DomainId))) : accounts;
}
