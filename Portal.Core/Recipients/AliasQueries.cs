using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Recipients;

/// <summary>The queries behind the list of aliases.</summary>
internal static class AliasQueries
{
    public static IQueryable<Address> Matching(PortalDbContext db, Actor actor, AliasQuery query)
    {
        var matching = db.Addresses.AsNoTracking().InScopeOf(actor).Where(a => !a.IsPrimary);
        if (query.DomainId is { } domainId) matching = matching.Where(a => a.DomainId == domainId);
        if (query.MailboxId is { } mailboxId) matching = matching.Where(a => a.MailboxId == mailboxId);
        if (query.CatchAllOnly) matching = matching.Where(a => a.LocalPart == Address.CatchAll);
        if (query.Kind is { } kind) matching = matching.Where(a => (a.MailboxId != null) == (kind == AliasKind.Mailbox));
        if (query.Text.Trim() is not { Length: > 0 } text) return matching;

        var folded = MailAddress.Fold(text);
        var at = folded.LastIndexOf('@');
        var (localPart, domain) = at < 0 ? (folded, folded) : (folded[..at], folded[(at + 1)..]);
        return matching.Where(a =>
            (at < 0
                ? a.LocalPart.Contains(localPart) || db.Domains.Any(d => d.Id == a.DomainId && (d.Name.Contains(domain) || d.DisplayName.Contains(domain)))
                : a.LocalPart.EndsWith(localPart) && db.Domains.Any(d => d.Id == a.DomainId && (d.Name.StartsWith(domain) || d.DisplayName.StartsWith(domain))))
            || db.Mailboxes.Any(m => m.Id == a.MailboxId && m.PrimaryAddress.Contains(folded))
            || db.ForwarderTargets.Any(t => t.ForwarderId == a.ForwarderId && t.Address.Contains(folded)));
    }

    public static IQueryable<Address> Ordered(IQueryable<Address> aliases, bool descending) => descending
        ? aliases.OrderByDescending(a => a.LocalPart).ThenByDescending(a => a.DomainId)
        : aliases.OrderBy(a => a.LocalPart).ThenBy(a => a.DomainId);

    public static IQueryable<AliasRow> Rows(PortalDbContext db, IQueryable<Address> page) =>
        page.Select(a => new AliasRow(
            a.Id, a.Display, a.DomainId, db.Domains.Where(d => d.Id == a.DomainId).Select(d => d.DisplayName).First(),
            a.MailboxId != null ? AliasKind.Mailbox : AliasKind.Forwarder,
            a.MailboxId,
            (a.MailboxId != null
                ? db.Mailboxes.Where(m => m.Id == a.MailboxId).Select(m => m.PrimaryAddress).FirstOrDefault()
                : db.ForwarderTargets.Where(t => t.ForwarderId == a.ForwarderId).OrderBy(t => t.Address).Select(t => t.Address).FirstOrDefault()) ?? "",
            a.MailboxId != null ? 1 : db.ForwarderTargets.Count(t => t.ForwarderId == a.ForwarderId),
            a.IsDemo, a.Version));
}
