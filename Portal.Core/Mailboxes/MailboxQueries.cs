using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>The queries behind the list of mailboxes; each answers from an index whatever the number of rows.</summary>
internal static class MailboxQueries
{
    public static IQueryable<Mailbox> Matching(PortalDbContext db, Actor actor, MailboxQuery query, Capability capability = Capability.ViewDirectory)
    {
        var matching = db.Mailboxes.InScopeOf(actor, capability);
        matching = query.State is { } state ? matching.Where(m => m.State == state) : matching.Where(m => m.State != MailboxState.Deleted);
        if (query.DomainId is { } domainId) matching = matching.Where(m => m.DomainId == domainId);
        if (query.NearlyFull) matching = matching.Where(m => m.QuotaOverrideBytes != null && db.MailboxUses.Any(u => u.MailboxId == m.Id && u.Bytes * 10 > m.QuotaOverrideBytes * 9));
        if (query.NeverSignedIn) matching = matching.Where(m => m.AccountId != null && !db.SignIns.Any(s => s.AccountId == m.AccountId && s.Result == SignInResultKind.Succeeded));
        if (query.Text.Trim() is not { Length: > 0 } text) return matching;

        var folded = MailAddress.Fold(text);
#pragma warning disable CA1304, CA1311, CA1862   // translated to SQL
        return matching.Where(m => m.PrimaryAddress.Contains(folded) || m.Name.ToLower().Contains(folded));
#pragma warning restore CA1304, CA1311, CA1862
    }

    public static IQueryable<Mailbox> Ordered(IQueryable<Mailbox> mailboxes, MailboxSort sort, bool descending) => (sort, descending) switch
    {
        (MailboxSort.Name, false) => mailboxes.OrderBy(m => m.Name).ThenBy(m => m.PrimaryAddress),
        (MailboxSort.Name, true) => mailboxes.OrderByDescending(m => m.Name).ThenByDescending(m => m.PrimaryAddress),
        (_, false) => mailboxes.OrderBy(m => m.PrimaryAddress),
        (_, true) => mailboxes.OrderByDescending(m => m.PrimaryAddress),
    };

    /// <summary>Shapes rows that are cut already: counters and sign-ins are looked up for the page only.</summary>
    public static IQueryable<MailboxRow> Rows(PortalDbContext db, IQueryable<Mailbox> page) =>
        from m in page
        join u in db.MailboxUses on m.Id equals u.MailboxId into uses
        from u in uses.DefaultIfEmpty()
        select new MailboxRow(
            m.Id, m.Name, m.PrimaryAddress, m.DomainId, m.Kind, m.State, (long?)u.Bytes ?? 0, m.QuotaOverrideBytes, m.AccountId,
            db.SignIns.Where(s => s.AccountId == m.AccountId && s.Result == SignInResultKind.Succeeded).OrderByDescending(s => s.At).Select(s => (DateTimeOffset?)s.At).FirstOrDefault(),
            m.DeletedAt, m.IsDemo, m.Version);
}
