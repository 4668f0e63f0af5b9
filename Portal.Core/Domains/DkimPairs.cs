using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Domains;

/// <summary>Gives a domain that is there a new pair of keys.</summary>
internal sealed class DkimPairs(IDbContextFactory<PortalDbContext> databases, WriteGate gate, SecretBox secrets, TimeProvider clock)
{
    /// <param name="pair">Made before: it takes long.</param>
    /// <param name="faultOf">Why it cannot be now; looks at the keys of the domain that are not retired.</param>
    public async Task<Outcome> AddAsync(Actor actor, Guid domainId, DkimKeyPair pair, string action, Func<List<DkimKey>, Conflict?> faultOf, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.Domains.AsNoTracking().SingleOrDefaultAsync(d => d.Id == domainId, cancel) is not { } domain) return new NotFound("Domain");
        var keys = await DkimChecker.LiveKeysAsync(db, domainId, cancel);
        if (faultOf(keys) is { } fault) return fault;

        var now = clock.GetUtcNow();
        var taken = await db.DkimKeys.Where(k => k.DomainId == domainId).Select(k => k.Selector).ToListAsync(cancel);
        var made = DkimKeySteps.AddPair(db, secrets, domainId, pair, taken, now);
        if (made.Count == 0) return new Conflict("DkimSelectorsUsedUp");

        var active = keys.FindAll(k => k.State == DkimKeyState.Active);
        db.Audit.Add(AuditEntry.Change(actor, now, action, domain.DisplayName, active.Count == 0 ? null : DkimKeySteps.Shown(active), DkimKeySteps.Shown(made), domain.Id));
        db.Raise(Change.Audit);
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return new Conflict("DkimRotationUnderWay");   // two at once: the unique index has decided
        }
        catch (DbUpdateException e) when (e.IsReferenced())
        {
            return new NotFound("Domain");   // it went meanwhile
        }

        return Outcome.Done;
    }
}
