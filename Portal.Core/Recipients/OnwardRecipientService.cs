using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Permissions;

namespace Portal.Core.Recipients;

/// <summary>A recipient listed for the other host of a domain.</summary>
public sealed record OnwardRecipientRow(string LocalPart);

/// <summary>The recipients of shared and relayed domains that people list, where the other host can't be asked.</summary>
public sealed class OnwardRecipientService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    /// <summary>Names that are added or removed at once: one turn at the gate.</summary>
    public const int MaxAtOnce = 500;

    private const int ShownNames = 20;   // of a change, in the audit

    /// <summary>One page of the names listed for a domain, in their order.</summary>
    /// <param name="text">How they begin; empty for all.</param>
    public async Task<Outcome<Page<OnwardRecipientRow>>> SearchAsync(Actor actor, Guid domainId, string text, int skip, int take, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return new NotPermitted(Capability.ManageDomains);

        await using var db = await databases.CreateDbContextAsync(cancel);
        if (!await db.Domains.InScopeOf(actor, Capability.ManageDomains).AnyAsync(d => d.Id == domainId, cancel)) return new NotFound("Domain");
        var listed = db.OnwardRecipients.AsNoTracking().Where(r => r.DomainId == domainId && r.IsListed);
        if (MailAddress.Fold(text.Trim()) is { Length: > 0 } start) listed = listed.Where(r => r.LocalPart.StartsWith(start));
        return await listed.ToPageAsync(listed.OrderBy(r => r.LocalPart), page => page.Select(r => new OnwardRecipientRow(r.LocalPart)), skip, take, cancel);
    }

    /// <summary>Lists names; those listed already stay. Mail for them is taken within a second.</summary>
    /// <param name="names">Local parts, or whole addresses of the domain; 1 to <see cref="MaxAtOnce"/>.</param>
    /// <returns>How many are new; or the first that is no name, with nothing added.</returns>
    public Task<Outcome<int>> AddAsync(Actor actor, Guid domainId, IReadOnlyList<string> names, CancellationToken cancel) => ChangeAsync(actor, domainId, names, adds: true, cancel);

    /// <summary>Takes names off the list.</summary>
    /// <returns>How many were on it.</returns>
    public Task<Outcome<int>> RemoveAsync(Actor actor, Guid domainId, IReadOnlyList<string> names, CancellationToken cancel) => ChangeAsync(actor, domainId, names, adds: false, cancel);

    private static async Task<Outcome<int>> AddAsync(PortalDbContext db, Domain domain, IReadOnlyList<string> locals, CancellationToken cancel)
    {
        var known = await db.OnwardRecipients.Where(r => r.DomainId == domain.Id && locals.Contains(r.LocalPart)).ToDictionaryAsync(r => r.LocalPart, cancel);
        var added = 0;
        foreach (var local in locals)
        {
            if (!known.TryGetValue(local, out var row)) db.OnwardRecipients.Add(new OnwardRecipient { DomainId = domain.Id, LocalPart = local, IsListed = true });
            else if (row.IsListed) continue;
            else row.IsListed = true;
            added++;
        }

        if (added > 0 && await db.OnwardRecipients.CountAsync(r => r.DomainId == domain.Id && r.IsListed, cancel) + added > OnwardRecipient.MaxListed) return new Conflict("OnwardListFull", OnwardRecipient.MaxListed);
        return added;
    }

    private static async Task<int> RemoveAsync(PortalDbContext db, Domain domain, IReadOnlyList<string> locals, CancellationToken cancel)
    {
        var rows = await db.OnwardRecipients.Where(r => r.DomainId == domain.Id && r.IsListed && locals.Contains(r.LocalPart)).ToListAsync(cancel);
        db.OnwardRecipients.RemoveRange(rows);
        return rows.Count;
    }

    private static Outcome<List<string>> Read(Domain domain, IReadOnlyList<string> names)
    {
        var locals = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var name in names.Select(n => n.Trim()).Where(n => n.Length > 0))
        {
            var isWhole = name.Contains('@', StringComparison.Ordinal);
            if (!MailAddress.TryParse(isWhole ? name : $"{name}@{domain.Name}", out var address) || address.Domain.Value != domain.Name) return new Invalid("OnwardNameInvalid", name, domain.DisplayName) { Field = "Names" };
            locals.Add(address.FoldedLocalPart);
        }

        if (locals.Count == 0) return new Invalid("OnwardNamesMissing") { Field = "Names" };
        return locals.Count > MaxAtOnce ? new Invalid("OnwardNamesTooMany", MaxAtOnce) { Field = "Names" } : locals.ToList();
    }

    private async Task<Outcome<int>> ChangeAsync(Actor actor, Guid domainId, IReadOnlyList<string> names, bool adds, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return new NotPermitted(Capability.ManageDomains);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var domain = await db.Domains.AsNoTracking().InScopeOf(actor).SingleOrDefaultAsync(d => d.Id == domainId, cancel);
        if (domain is null) return new NotFound("Domain");
        if (!actor.May(Capability.ManageDomains, domain.Id)) return new NotPermitted(Capability.ManageDomains);
        if (domain.AliasOfId is not null) return new Invalid("OnwardOfAliasDomain", domain.DisplayName);
        var read = Read(domain, names);
        if (!read.IsDone) return read.Refusal;

        var changed = adds ? await AddAsync(db, domain, read.Value, cancel) : await RemoveAsync(db, domain, read.Value, cancel);
        if (!changed.IsDone || changed.Value == 0) return changed;
        var shown = new { names = read.Value.Take(ShownNames).ToList(), count = changed.Value };
        var at = clock.GetUtcNow();
        db.Audit.Add(adds
            ? AuditEntry.Change(actor, at, "domain.recipients.add", domain.DisplayName, null, shown, domain.Id)
            : AuditEntry.Change(actor, at, "domain.recipients.remove", domain.DisplayName, shown, null, domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        try
        {
            return await db.SaveChangeAsync(cancel) is { } stale ? stale : changed;
        }
        catch (DbUpdateException e) when (e.IsDuplicate() || e.IsReferenced())
        {
            return Conflict.ChangedByOthers;
        }
    }
}
