using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Domains;

/// <summary>Decides where a domain's mailboxes are: here, elsewhere, or both.</summary>
public sealed class OnwardService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    internal static Conflict TooMany => new("OnwardTooMany", Onward.MaxDomains);

    /// <summary>Sets where mail for a domain goes; it counts for the next message, and for what waits at its next try.</summary>
    /// <param name="actor">Needs <see cref="Capability.ManageRoutes"/> everywhere, since the server connects to the host, and <see cref="Capability.ManageDomains"/> for the domain.</param>
    /// <param name="version">The version the person saw: a newer one is never overwritten.</param>
    public async Task<Outcome> SetAsync(Actor actor, Guid id, int version, Onward onward, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ManageRoutes)) return new NotPermitted(Capability.ManageRoutes);
        var normal = onward.Normalise();
        if (!normal.IsDone) return normal.Refusal;

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var domain = await db.Domains.InScopeOf(actor).SingleOrDefaultAsync(d => d.Id == id, cancel);
        if (domain is null) return new NotFound("Domain");
        if (!actor.May(Capability.ManageDomains, domain.Id)) return new NotPermitted(Capability.ManageDomains);
        if (domain.Version != version) return Conflict.ChangedByOthers;
        var before = domain.Onward;
        if (before == normal.Value) return Outcome.Done;
        if (await ObstacleAsync(db, domain, normal.Value.Kind, cancel) is { } obstacle) return obstacle;

        var at = clock.GetUtcNow();
        // What a host has said counts for that host only; how its connection is secured makes it no other.
        var isSameHost = before.Kind != DomainKind.Hosted && before.Host == normal.Value.Host && before.Port == normal.Value.Port;
        domain.Put(normal.Value, isSameHost ? domain.OnwardSince ?? at : at);
        domain.Version++;
        db.Audit.Add(AuditEntry.Change(actor, at, "domain.onward.set", domain.DisplayName, Shown(before), Shown(normal.Value), domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Routes);
        db.Raise(Change.Audit);
        return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
    }

    internal static async Task<bool> AreTooManyAsync(PortalDbContext db, CancellationToken cancel) => await db.Domains.CountAsync(d => d.Kind != DomainKind.Hosted, cancel) >= Onward.MaxDomains;

    /// <summary>For the audit.</summary>
    internal static object Shown(Onward onward) => new { kind = onward.Kind.ToString(), onward.Host, onward.Port, tls = onward.Tls.ToString(), check = onward.Check.ToString() };

    /// <summary>What would lose its mail, or take that of others.</summary>
    private static async Task<Refusal?> ObstacleAsync(PortalDbContext db, Domain domain, DomainKind kind, CancellationToken cancel)
    {
        if (domain.AliasOfId is not null) return new Invalid("OnwardOfAliasDomain", domain.DisplayName);
        if (kind == DomainKind.Relayed && await db.Addresses.AnyAsync(a => a.DomainId == domain.Id, cancel)) return new Conflict("RelayedHoldsAddresses", domain.DisplayName);
        if (kind == DomainKind.Shared && await db.Addresses.AnyAsync(a => a.DomainId == domain.Id && a.LocalPart == "", cancel)) return new Conflict("SharedHasCatchAll", domain.DisplayName);
        return domain.Kind == DomainKind.Hosted && await AreTooManyAsync(db, cancel) ? TooMany : null;
    }
}
