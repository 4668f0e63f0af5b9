using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Recipients;

namespace Portal.Core.Accounts;

/// <summary>A mailbox as the palette shows it.</summary>
public sealed record FoundMailbox(Guid Id, string Name, string Address);

/// <summary>A domain as the palette shows it.</summary>
public sealed record FoundDomain(Guid Id, string Name);

/// <summary>An alias as the palette shows it.</summary>
/// <param name="Mailbox">Address of the mailbox it belongs to; null for one that forwards.</param>
public sealed record FoundAlias(Guid Id, string Address, string? Mailbox);

/// <summary>Finds people, aliases and domains by a few letters, for whoever may see them.</summary>
public sealed class DirectorySearch(IDbContextFactory<PortalDbContext> databases)
{
    private const int MaxLimit = 20;

    /// <summary>Mailboxes whose name or address holds the text; needs <see cref="Capability.ViewDirectory"/>. Those that begin with it come first.</summary>
    public async Task<IReadOnlyList<FoundMailbox>> MailboxesAsync(Actor actor, string text, int limit, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory) || text.Trim() is not { Length: > 0 and <= 100 } wanted) return [];

        var folded = wanted.ToLowerInvariant();
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Mailboxes.InScopeOf(actor).AsNoTracking()
            .Where(m => m.State != MailboxState.Deleted && (m.PrimaryAddress.Contains(folded) || m.Name.ToLower().Contains(folded)))
            .OrderBy(m => m.PrimaryAddress.StartsWith(folded) ? 0 : 1).ThenBy(m => m.PrimaryAddress)
            .Take(Math.Clamp(limit, 1, MaxLimit))
            .Select(m => new FoundMailbox(m.Id, m.Name, m.PrimaryAddress))
            .ToListAsync(cancel);
    }

    /// <summary>Aliases whose name holds the text, or begins with it before an @ typed whole; needs <see cref="Capability.ViewDirectory"/>. Those that begin with it come first.</summary>
    public async Task<IReadOnlyList<FoundAlias>> AliasesAsync(Actor actor, string text, int limit, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory) || text.Trim() is not { Length: > 0 and <= 100 } wanted) return [];

        var folded = MailAddress.Fold(wanted);
        var at = folded.LastIndexOf('@');
        var (name, domain) = at < 0 ? (folded, "") : (folded[..at], folded[(at + 1)..]);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Addresses.InScopeOf(actor).AsNoTracking()
            .Where(a => !a.IsPrimary && a.LocalPart != Address.CatchAll && (at < 0 ? a.LocalPart.Contains(name) : a.LocalPart == name && db.Domains.Any(d => d.Id == a.DomainId && (d.Name.StartsWith(domain) || d.DisplayName.StartsWith(domain)))))
            .OrderBy(a => a.LocalPart.StartsWith(name) ? 0 : 1).ThenBy(a => a.LocalPart).ThenBy(a => a.DomainId)
            .Take(Math.Clamp(limit, 1, MaxLimit))
            .Select(a => new FoundAlias(a.Id, a.Display + "@" + db.Domains.Where(d => d.Id == a.DomainId).Select(d => d.DisplayName).First(), db.Mailboxes.Where(m => m.Id == a.MailboxId).Select(m => m.PrimaryAddress).FirstOrDefault()))
            .ToListAsync(cancel);
    }

    /// <summary>Domains whose name holds the text, as typed or in A-label form; needs <see cref="Capability.ManageDomains"/>.</summary>
    public async Task<IReadOnlyList<FoundDomain>> DomainsAsync(Actor actor, string text, int limit, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains) || text.Trim() is not { Length: > 0 and <= 100 } wanted) return [];

        var folded = wanted.ToLowerInvariant();
        var name = DomainName.TryParse(wanted, out var parsed) ? parsed.Value : folded;
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Domains.InScopeOf(actor, Capability.ManageDomains).AsNoTracking()
            .Where(d => d.Name.Contains(name) || d.DisplayName.Contains(folded))
            .OrderBy(d => d.Name)
            .Take(Math.Clamp(limit, 1, MaxLimit))
            .Select(d => new FoundDomain(d.Id, d.DisplayName))
            .ToListAsync(cancel);
    }
}
