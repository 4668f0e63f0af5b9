using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;

namespace Portal.Core.Recipients;

/// <summary>Somebody a letter may go to.</summary>
/// <param name="Name">As people see it; empty for an address that stands for no one mailbox.</param>
/// <param name="Address">As it was typed, its domain readable.</param>
public sealed record Colleague(string Name, string Address);

/// <summary>Finds the people of one's own domains while a letter is addressed.</summary>
public sealed class ColleagueService(IDbContextFactory<PortalDbContext> databases)
{
    /// <summary>Most that are offered at once.</summary>
    public const int MaxOffered = 8;

    private const int MaxOwnMailboxes = 10;
    private const int MaxTextLength = 64;

    /// <summary>
    /// Whose name, name after the first space, or address begins with the text, by name: mailboxes that take mail, and the aliases of the domains
    /// in which the actor has a mailbox. Needs <see cref="Capability.UseOwnMail"/>; nobody is offered to who has no mailbox.
    /// </summary>
    public async Task<Outcome<IReadOnlyList<Colleague>>> FindAsync(Actor actor, string text, CancellationToken cancel)
    {
        if (!actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);
        if (actor.AccountId is not { } accountId || StorableText.Cut(text.Trim(), MaxTextLength) is not { Length: > 0 } wanted) return new List<Colleague>();

        await using var db = await databases.CreateDbContextAsync(cancel);
        var domains = await OwnDomainsAsync(db, accountId, cancel);
        List<Colleague> found = [];
        foreach (var domain in domains)
        {
            foreach (var folded in Folds(wanted)) found.AddRange(await ByNameAsync(db, domain, folded, cancel));
            found.AddRange(await ByAddressAsync(db, domain, MailAddress.Fold(wanted), cancel));
        }

        return found.DistinctBy(c => c.Address, StringComparer.OrdinalIgnoreCase)
            .OrderBy(c => c.Name.Length == 0).ThenBy(c => c.Name, StringComparer.OrdinalIgnoreCase).ThenBy(c => c.Address, StringComparer.OrdinalIgnoreCase)
            .Take(MaxOffered).ToList();
    }

    private static async Task<List<OwnDomain>> OwnDomainsAsync(PortalDbContext db, Guid accountId, CancellationToken cancel)
    {
        var ids = await db.Mailboxes.Where(m => m.AccountId == accountId && m.State != MailboxState.Deleted).Take(MaxOwnMailboxes).Select(m => m.DomainId).ToListAsync(cancel);
        return await db.Domains.AsNoTracking().Where(d => ids.Contains(d.Id)).OrderBy(d => d.Id).Select(d => new OwnDomain(d.Id, d.Name, d.DisplayName)).Take(MaxOwnMailboxes).ToListAsync(cancel);
    }

    // Translated to SQL: comparisons are the database's, in the collation said.
#pragma warning disable CA1304, CA1309, CA1310, CA1311, CA1865, CA1866
    private static async Task<IEnumerable<Colleague>> ByNameAsync(PortalDbContext db, OwnDomain domain, string folded, CancellationToken cancel)
    {
        var (from, beyond) = Range(folded);
        var collation = CollationOf(db);
        var active = db.Mailboxes.AsNoTracking().Where(m => m.DomainId == domain.Id && m.State == MailboxState.Active);
        var named = active
            .Where(m => string.Compare(EF.Functions.Collate(m.Name.ToLower(), collation), from) >= 0 && string.Compare(EF.Functions.Collate(m.Name.ToLower(), collation), beyond) < 0)
            .OrderBy(m => EF.Functions.Collate(m.Name.ToLower(), collation));
        var familyNamed = active
            .Where(m => string.Compare(EF.Functions.Collate(m.Name.Substring(m.Name.IndexOf(" ") + 1).ToLower(), collation), from) >= 0
                && string.Compare(EF.Functions.Collate(m.Name.Substring(m.Name.IndexOf(" ") + 1).ToLower(), collation), beyond) < 0)
            .OrderBy(m => EF.Functions.Collate(m.Name.Substring(m.Name.IndexOf(" ") + 1).ToLower(), collation));
        List<Colleague> found = [];
        foreach (var mailboxes in new[] { named, familyNamed })
            found.AddRange((await mailboxes.Take(MaxOffered).Select(m => new { m.Name, m.PrimaryAddress }).ToListAsync(cancel)).Select(m => new Colleague(m.Name, domain.Readable(m.PrimaryAddress))));
        return found;
    }

    private static async Task<IEnumerable<Colleague>> ByAddressAsync(PortalDbContext db, OwnDomain domain, string folded, CancellationToken cancel)
    {
        var at = folded.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0 && !domain.Begins(folded[(at + 1)..])) return [];

        // With an @ typed the name before it is whole.
        var (least, beyond) = at < 0 ? Range(folded) : (folded[..at], folded[..at] + '\u0001');
        var collation = CollationOf(db);
        var found = await (
            from a in db.Addresses.AsNoTracking()
            where a.DomainId == domain.Id && a.LocalPart != Address.CatchAll
                && string.Compare(EF.Functions.Collate(a.LocalPart, collation), least) >= 0 && string.Compare(EF.Functions.Collate(a.LocalPart, collation), beyond) < 0
            from m in db.Mailboxes.Where(m => m.Id == a.MailboxId).DefaultIfEmpty()   // joined: asked whether there is one, PostgreSQL would read all of them first
            where a.MailboxId == null || m.State == MailboxState.Active
            orderby EF.Functions.Collate(a.LocalPart, collation)
            select new { a.Display, Name = (string?)m.Name }).Take(MaxOffered).ToListAsync(cancel);
        return found.Select(a => new Colleague(a.Name ?? "", $"{a.Display}@{domain.DisplayName}"));
    }

#pragma warning restore CA1304, CA1309, CA1310, CA1311, CA1865, CA1866

    private static string CollationOf(PortalDbContext db) => db.IsPostgres ? "C" : "BINARY";

    /// <summary>All that begins with the text, octet by octet.</summary>
    private static (string From, string Beyond) Range(string text) => (text, text + "\U0010FFFF");

    /// <summary>As lower() may have folded it: SQLite's, and PostgreSQL's in the locale C, know ASCII only, and names begin with a large letter.</summary>
    private static IEnumerable<string> Folds(string text)
    {
        var folded = text.ToLowerInvariant();
        return char.IsAscii(folded[0]) ? [folded] : new[] { folded, char.ToUpperInvariant(folded[0]) + folded[1..] }.Distinct();
    }

    private sealed record OwnDomain(Guid Id, string Name, string DisplayName)
    {
        public bool Begins(string text) => Name.StartsWith(text, StringComparison.OrdinalIgnoreCase) || DisplayName.StartsWith(text, StringComparison.OrdinalIgnoreCase);

        public string Readable(string address) => $"{address[..address.LastIndexOf('@')]}@{DisplayName}";
    }
}
