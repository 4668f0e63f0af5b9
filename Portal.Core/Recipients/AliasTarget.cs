using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;

namespace Portal.Core.Recipients;

/// <summary>Where an alias shall lead, checked: one mailbox, or 1 to 100 addresses in folded form.</summary>
internal sealed record AliasTarget(Guid? MailboxId, string? MailboxAddress, IReadOnlyList<string> Addresses)
{
    /// <summary>For the audit.</summary>
    public object Describe() => MailboxId is null ? new { targets = Addresses } : new { mailbox = MailboxAddress };

    public Forwarder ToForwarder(Guid domainId)
    {
        var forwarder = new Forwarder { DomainId = domainId };
        forwarder.Targets.AddRange(Addresses.Select(a => new ForwarderTarget { ForwarderId = forwarder.Id, Address = a }));
        return forwarder;
    }
}

/// <summary>Checks targets before they are written, so that a typo is found by the person who makes it and not by a sender.</summary>
internal static class AliasTargets
{
    /// <summary>How many forwarders a chain may have when it is looked through for a circle; the engine has its own limit for mail.</summary>
    private const int MaxChain = 200;

    /// <summary>Reads and checks what an alias named <paramref name="localPart"/> in <paramref name="domain"/> shall lead to.</summary>
    public static async Task<Outcome<AliasTarget>> ResolveAsync(
        PortalDbContext db, Actor actor, Domain domain, string localPart, Guid? mailboxId, IReadOnlyList<string> targets, CancellationToken cancel)
    {
        if (mailboxId is { } id)
        {
            var mailbox = await db.Mailboxes.AsNoTracking().InScopeOf(actor, Capability.ManageAliases).SingleOrDefaultAsync(m => m.Id == id && m.State != MailboxState.Deleted, cancel);
            return mailbox is null ? new NotFound("Mailbox") : new AliasTarget(id, mailbox.PrimaryAddress, []);
        }

        var addresses = new List<MailAddress>();
        foreach (var text in targets.Select(t => t.Trim()).Where(t => t.Length > 0))
        {
            if (!MailAddress.TryParse(text, out var address) || address.AddressLiteral is not null) return new Invalid("TargetInvalid", text) { Field = "Targets" };
            if (!addresses.Contains(address)) addresses.Add(address);
        }

        if (addresses.Count == 0) return new Invalid("TargetsMissing") { Field = "Targets" };
        if (addresses.Count > Forwarder.MaxTargets) return new Invalid("TargetsTooMany", Forwarder.MaxTargets) { Field = "Targets" };

        return await CheckOwnAsync(db, (domain.Id, localPart), addresses, cancel) is { } refusal
            ? refusal
            : new AliasTarget(null, null, [.. addresses.Select(a => a.Folded)]);
    }

    /// <summary>Every target in a domain of ours must exist, and none may lead back to where it came from.</summary>
    private static async Task<Refusal?> CheckOwnAsync(PortalDbContext db, (Guid DomainId, string LocalPart) self, List<MailAddress> targets, CancellationToken cancel)
    {
        var seen = new HashSet<Guid>();
        var waiting = new Queue<(MailAddress Address, bool IsDirect)>(targets.Select(t => (t, true)));
        while (waiting.TryDequeue(out var next) && seen.Count < MaxChain)
        {
            if (await OwnDomainAsync(db, next.Address.Domain, cancel) is not { Id: var domainId, Kind: var kind }) continue;   // somebody else's to judge
            var found = await FindAsync(db, self, domainId, next.Address.FoldedLocalPart, cancel);
            if (found is { } row && self == (domainId, row.LocalPart)) return new Invalid("TargetLoops", next.Address.ToString()) { Field = "Targets" };
            // RFC 5321 §4.5.1: postmaster is served in every domain, also where nobody registered it.
            if (found is null && kind == DomainKind.Hosted && next.IsDirect && next.Address.FoldedLocalPart != "postmaster") return new Invalid("TargetUnknown", next.Address.ToString()) { Field = "Targets" };
            if (found?.ForwarderId is not { } forwarder || !seen.Add(forwarder)) continue;

            foreach (var target in await db.ForwarderTargets.Where(t => t.ForwarderId == forwarder).Select(t => t.Address).ToListAsync(cancel))
                if (MailAddress.TryParse(target, out var address)) waiting.Enqueue((address, false));
        }

        return null;
    }

    /// <summary>For an alias domain, the one it stands for.</summary>
    private static Task<Domain?> OwnDomainAsync(PortalDbContext db, DomainName name, CancellationToken cancel) =>
        (from d in db.Domains.AsNoTracking() where d.Name == name.Value join t in db.Domains on d.AliasOfId ?? d.Id equals t.Id select t).SingleOrDefaultAsync(cancel);

    /// <summary>The name an address falls to, as RecipientDirectory looks it up (whole, without its detail, catch-all), were the alias written already.</summary>
    private static async Task<(string LocalPart, Guid? ForwarderId)?> FindAsync(PortalDbContext db, (Guid DomainId, string LocalPart) self, Guid domainId, string localPart, CancellationToken cancel)
    {
        var plus = localPart.IndexOf('+', StringComparison.Ordinal);
        string[] names = [localPart, plus > 0 ? localPart[..plus] : localPart, Address.CatchAll];
        var rows = await db.Addresses.AsNoTracking()
            .Where(a => a.DomainId == domainId && names.Contains(a.LocalPart))
            .ToDictionaryAsync(a => a.LocalPart, a => a.ForwarderId, cancel);
        if (self.DomainId == domainId) rows[self.LocalPart] = null;
        foreach (var name in names)
            if (rows.TryGetValue(name, out var forwarder)) return (name, forwarder);
        return null;
    }
}
