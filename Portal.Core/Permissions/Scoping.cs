using Portal.Core.Domains;
using Portal.Core.Mailboxes;

namespace Portal.Core.Permissions;

/// <summary>Applies an actor's scope in the query: what is outside reads as not found (DESIGN §6).</summary>
public static class Scoping
{
    public static IQueryable<Mailbox> InScopeOf(this IQueryable<Mailbox> mailboxes, Actor actor) =>
        actor.VisibleDomains is { } domains ? mailboxes.Where(m => domains.Contains(m.DomainId)) : mailboxes;

    public static IQueryable<Domain> InScopeOf(this IQueryable<Domain> domains, Actor actor) =>
        actor.VisibleDomains is { } visible ? domains.Where(d => visible.Contains(d.Id)) : domains;
}
