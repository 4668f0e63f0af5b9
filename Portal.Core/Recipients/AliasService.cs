using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Permissions;

namespace Portal.Core.Recipients;

/// <summary>What people may do with addresses that are no mailbox's own name: other names of a mailbox, forwarders, catch-alls.</summary>
public sealed class AliasService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    /// <summary>One page of the aliases in scope, by local part.</summary>
    public async Task<Outcome<Page<AliasRow>>> SearchAsync(Actor actor, AliasQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var matching = AliasQueries.Matching(db, actor, query);
        return await matching.ToPageAsync(AliasQueries.Ordered(matching, query.Descending), page => AliasQueries.Rows(db, page), query.Skip, query.Take, cancel);
    }

    /// <summary>One alias with all of its targets.</summary>
    public async Task<Outcome<AliasDetail>> GetAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var address = await db.Addresses.AsNoTracking().InScopeOf(actor).SingleOrDefaultAsync(a => a.Id == id && !a.IsPrimary, cancel);
        if (address is null) return new NotFound("Alias");

        var domain = await db.Domains.AsNoTracking().Where(d => d.Id == address.DomainId).Select(d => d.DisplayName).SingleAsync(cancel);
        var content = await ContentOfAsync(db, address, cancel);
        var mailbox = await MailboxAddressAsync(db, address.MailboxId, cancel);
        return new AliasDetail(id, content, $"{(address.Display.Length == 0 ? "*" : address.Display)}@{domain}", mailbox, mailbox is null ? content.Targets : [mailbox], address.IsDemo, address.Version);
    }

    /// <summary>Makes an alias, a forwarder or a catch-all; it takes mail within a second.</summary>
    /// <param name="actor">Needs <see cref="Capability.ManageAliases"/> for the domain, and for the domain of the mailbox named.</param>
    public Task<Outcome<Guid>> CreateAsync(Actor actor, AliasContent content, CancellationToken cancel) => AddAsync(actor, content, "alias.create", cancel);

    /// <summary>Brings a deleted alias back, unless its address or its targets have gone elsewhere meanwhile.</summary>
    public Task<Outcome<Guid>> RestoreAsync(Actor actor, AliasContent deleted, CancellationToken cancel) => AddAsync(actor, deleted, "alias.restore", cancel);

    /// <summary>Points an alias elsewhere; its address stays.</summary>
    /// <param name="version">The version the person saw: a newer one is never overwritten.</param>
    public async Task<Outcome> SetTargetAsync(Actor actor, Guid id, int version, Guid? mailboxId, IReadOnlyList<string> targets, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageAliases)) return new NotPermitted(Capability.ManageAliases);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var address = await db.Addresses.InScopeOf(actor).SingleOrDefaultAsync(a => a.Id == id && !a.IsPrimary, cancel);
        if (address is null) return new NotFound("Alias");
        if (!actor.May(Capability.ManageAliases, address.DomainId)) return new NotPermitted(Capability.ManageAliases);
        if (address.Version != version) return Conflict.ChangedByOthers;

        var domain = await db.Domains.AsNoTracking().SingleAsync(d => d.Id == address.DomainId, cancel);
        var target = await AliasTargets.ResolveAsync(db, actor, domain, address.LocalPart, mailboxId, targets, cancel);
        if (!target.IsDone) return target.Refusal;

        var before = await DescribeAsync(db, address, cancel);
        await PointAsync(db, address, target.Value, cancel);
        address.Version++;
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "alias.change", NameOf(address, domain), before, target.Value.Describe(), domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        try
        {
            return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
        }
        catch (DbUpdateException e) when (e.IsReferenced() || e.IsDuplicate())
        {
            return Conflict.ChangedByOthers;   // the mailbox went, or both wrote the same targets
        }
    }

    /// <summary>Removes an alias.</summary>
    /// <returns>What it was: <see cref="RestoreAsync"/> brings it back.</returns>
    public async Task<Outcome<AliasContent>> DeleteAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageAliases)) return new NotPermitted(Capability.ManageAliases);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var address = await db.Addresses.InScopeOf(actor).SingleOrDefaultAsync(a => a.Id == id && !a.IsPrimary, cancel);
        if (address is null) return new NotFound("Alias");
        if (!actor.May(Capability.ManageAliases, address.DomainId)) return new NotPermitted(Capability.ManageAliases);

        var domain = await db.Domains.AsNoTracking().SingleAsync(d => d.Id == address.DomainId, cancel);
        var content = await ContentOfAsync(db, address, cancel);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "alias.delete", NameOf(address, domain), await DescribeAsync(db, address, cancel), null, domain.Id));
        db.Addresses.Remove(address);
        await RemoveForwarderAsync(db, address, cancel);
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        return await db.SaveChangeAsync(cancel) is { } stale ? stale : content;
    }

    private static string NameOf(Address address, Domain domain) => $"{(address.LocalPart == Address.CatchAll ? "*" : address.LocalPart)}@{domain.Name}";

    private static async Task<string?> MailboxAddressAsync(PortalDbContext db, Guid? mailboxId, CancellationToken cancel) =>
        mailboxId is null ? null : await db.Mailboxes.Where(m => m.Id == mailboxId).Select(m => m.PrimaryAddress).SingleOrDefaultAsync(cancel);

    private static async Task<AliasContent> ContentOfAsync(PortalDbContext db, Address address, CancellationToken cancel) => new()
    {
        DomainId = address.DomainId,
        LocalPart = address.Display,
        MailboxId = address.MailboxId,
        Targets = address.ForwarderId is null ? [] : await db.ForwarderTargets.Where(t => t.ForwarderId == address.ForwarderId).OrderBy(t => t.Address).Select(t => t.Address).ToListAsync(cancel),
    };

    private static async Task<object> DescribeAsync(PortalDbContext db, Address address, CancellationToken cancel) =>
        address.MailboxId is null
            ? new { targets = (await ContentOfAsync(db, address, cancel)).Targets }
            : new { mailbox = await MailboxAddressAsync(db, address.MailboxId, cancel) };

    private static async Task PointAsync(PortalDbContext db, Address address, AliasTarget target, CancellationToken cancel)
    {
        if (target.MailboxId is not null)
        {
            await RemoveForwarderAsync(db, address, cancel);
            (address.MailboxId, address.ForwarderId) = (target.MailboxId, null);
            return;
        }

        if (address.ForwarderId is null)
        {
            var made = target.ToForwarder(address.DomainId);
            db.Forwarders.Add(made);
            (address.MailboxId, address.ForwarderId) = (null, made.Id);
            return;
        }

        var forwarder = await db.Forwarders.Include(f => f.Targets).SingleAsync(f => f.Id == address.ForwarderId, cancel);
        forwarder.Targets.RemoveAll(t => !target.Addresses.Contains(t.Address));
        foreach (var added in target.Addresses.Except(forwarder.Targets.Select(t => t.Address)).ToList())
            db.ForwarderTargets.Add(new ForwarderTarget { ForwarderId = forwarder.Id, Address = added });
        forwarder.Version++;
    }

    private static async Task RemoveForwarderAsync(PortalDbContext db, Address address, CancellationToken cancel)
    {
        if (address.ForwarderId is not { } id || await db.Addresses.AnyAsync(a => a.ForwarderId == id && a.Id != address.Id, cancel)) return;
        db.Forwarders.Remove(await db.Forwarders.Include(f => f.Targets).SingleAsync(f => f.Id == id, cancel));
    }

    private async Task<Outcome<Guid>> AddAsync(Actor actor, AliasContent content, string action, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageAliases)) return new NotPermitted(Capability.ManageAliases);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var domain = await db.Domains.AsNoTracking().InScopeOf(actor).SingleOrDefaultAsync(d => d.Id == content.DomainId, cancel);
        if (domain is null) return new NotFound("Domain");
        if (!actor.May(Capability.ManageAliases, domain.Id)) return new NotPermitted(Capability.ManageAliases);
        if (domain.AliasOfId is not null) return new Invalid("AddressInAliasDomain", domain.DisplayName) { Field = "Domain" };
        if (domain.Kind == DomainKind.Relayed) return new Invalid("AddressInRelayedDomain", domain.DisplayName) { Field = "Domain" };
        if (!TryReadLocalPart(content.LocalPart, domain, out var folded, out var display)) return new Invalid("LocalPartInvalid", content.LocalPart.Trim()) { Field = "LocalPart" };

        if (folded == Address.CatchAll && domain.Kind == DomainKind.Shared) return new Conflict("CatchAllInSharedDomain", domain.DisplayName) { Field = "Domain" };   // it would take what is the other host's

        var address = new Address { DomainId = domain.Id, LocalPart = folded, Display = display };
        var taken = folded == Address.CatchAll ? new Conflict("CatchAllTaken", domain.DisplayName) : new Conflict("AddressTaken", $"{display}@{domain.DisplayName}") { Field = "LocalPart" };
        if (await db.Addresses.AnyAsync(a => a.DomainId == domain.Id && a.LocalPart == folded, cancel)) return taken;

        var target = await AliasTargets.ResolveAsync(db, actor, domain, folded, content.MailboxId, content.Targets, cancel);
        if (!target.IsDone) return target.Refusal;

        await PointAsync(db, address, target.Value, cancel);
        db.Addresses.Add(address);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), action, NameOf(address, domain), null, target.Value.Describe(), domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return taken;   // two at once: the unique index has decided
        }
        catch (DbUpdateException e) when (e.IsReferenced())
        {
            return new NotFound(target.Value.MailboxId is null ? "Domain" : "Mailbox");   // it went meanwhile
        }

        return address.Id;
    }

    private static bool TryReadLocalPart(string text, Domain domain, out string folded, out string display)
    {
        (folded, display) = (Address.CatchAll, "");
        if (text.Trim() is not { Length: > 0 } trimmed) return true;
        if (!MailAddress.TryParse($"{trimmed}@{domain.Name}", out var address)) return false;
        (folded, display) = (address.FoldedLocalPart, address.LocalPart);
        return true;
    }
}
