using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Domains;

/// <summary>The keys that sign a domain's mail. Every method needs <see cref="Capability.ManageDomains"/> for the domain.</summary>
public sealed class DkimKeyService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, SecretBox secrets, IKeyRecordLookup lookup, TimeProvider clock)
{
    /// <summary>How often a domain's keys may change by themselves, in months.</summary>
    public static readonly IReadOnlyList<int> RotationChoices = [3, 6, 12];

    /// <summary>So long the records of keys must stay after these have signed for the last time.</summary>
    public static TimeSpan RecordsStayFor => DkimKeySteps.KeepRecordFor;

    private readonly DkimChecker checker = new(databases, gate, lookup, clock);

    /// <summary>The keys of a domain, each with the record to publish.</summary>
    public async Task<Outcome<DkimKeySet>> ListAsync(Actor actor, Guid domainId, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return NotAllowed;
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await FindAsync(db.Domains.AsNoTracking(), actor, domainId, cancel) is not { } domain) return Gone;

        var keys = await db.DkimKeys.AsNoTracking().Where(k => k.DomainId == domainId).OrderByDescending(k => k.CreatedAt).ThenBy(k => k.Algorithm).Take(DkimChecker.MaxKeys).ToListAsync(cancel);
        return new DkimKeySet(domain.Id, domain.DisplayName, domain.RotateDkimEveryMonths, NextRotation(domain, keys), domain.Version, [.. keys.Select(k => DkimKeyRow.Of(k, domain.Name))]);
    }

    /// <summary>Makes the first pair for a domain that has none.</summary>
    /// <returns>Done, or <see cref="Conflict"/> where there are keys that sign or wait.</returns>
    public Task<Outcome> StartAsync(Actor actor, Guid domainId, CancellationToken cancel) =>
        AddAsync(actor, domainId, "domain.dkim.start", keys => keys.Exists(k => k.State is DkimKeyState.Waiting or DkimKeyState.Active) ? new Conflict("DkimStarted") : null, cancel);

    /// <summary>Makes a new pair; the present one signs until the records of the new one are found, and its records must stay a week longer.</summary>
    /// <returns>Done, or <see cref="Conflict"/> while a rotation is under way or where there is nothing to rotate.</returns>
    public Task<Outcome> RotateAsync(Actor actor, Guid domainId, CancellationToken cancel) =>
        AddAsync(actor, domainId, "domain.dkim.rotate", RotationFault, cancel);

    /// <summary>Asks the DNS for the records of all keys that are not retired; keys that wait and are found begin to sign. Takes a few seconds.</summary>
    public async Task<Outcome> CheckAsync(Actor actor, Guid domainId, CancellationToken cancel)
    {
        if (await RefusalAsync(actor, domainId, cancel) is { } refusal) return refusal;
        return await checker.CheckAsync(actor, domainId, onlyWaiting: false, cancel) is null ? Conflict.ChangedByOthers : Outcome.Done;
    }

    /// <summary>Lets the waiting keys sign although the DNS was not seen to have their records: for who knows better.</summary>
    /// <param name="actor">Also says why.</param>
    public Task<Outcome> ActivateAsync(Actor actor, Guid domainId, CancellationToken cancel) =>
        ChangeAsync(actor, domainId, (db, domain, keys) =>
        {
            if (!keys.Exists(k => k.State == DkimKeyState.Waiting)) return new Conflict("DkimNoneWaiting");
            DkimKeySteps.Activate(db, actor, domain, keys, clock.GetUtcNow());
            return null;
        }, cancel);

    /// <summary>Gives the waiting keys up; what signs now goes on.</summary>
    public Task<Outcome> CancelAsync(Actor actor, Guid domainId, CancellationToken cancel) =>
        ChangeAsync(actor, domainId, (db, domain, keys) =>
        {
            var waiting = keys.FindAll(k => k.State == DkimKeyState.Waiting);
            if (waiting.Count == 0) return new Conflict("DkimNoneWaiting");

            var now = clock.GetUtcNow();
            db.Audit.Add(AuditEntry.Change(actor, now, "domain.dkim.cancel", domain.DisplayName, DkimKeySteps.Shown(waiting), null, domain.Id));
            foreach (var key in waiting) DkimKeySteps.Retire(key, now);
            DkimKeySteps.Raise(db);
            return null;
        }, cancel);

    /// <summary>Forgets a retired key, once its record is gone from the DNS.</summary>
    public async Task<Outcome> RemoveAsync(Actor actor, Guid domainId, Guid keyId, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return NotAllowed;
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await FindAsync(db.Domains.AsNoTracking(), actor, domainId, cancel) is not { } domain) return Gone;
        if (await db.DkimKeys.SingleOrDefaultAsync(k => k.Id == keyId && k.DomainId == domainId, cancel) is not { } key) return new NotFound("DkimKey");
        if (key.State != DkimKeyState.Retired) return new Conflict("DkimNotRetired", key.Selector);

        db.DkimKeys.Remove(key);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "domain.dkim.remove", domain.DisplayName, DkimKeySteps.Shown([key]), null, domain.Id));
        DkimKeySteps.Raise(db);
        return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
    }

    /// <summary>Sets after how many months new keys are made by themselves; null for never.</summary>
    /// <param name="version">The domain's version that the person saw.</param>
    public async Task<Outcome> SetRotationAsync(Actor actor, Guid domainId, int version, int? everyMonths, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return NotAllowed;
        if (everyMonths is { } months && !RotationChoices.Contains(months)) return new Invalid("DkimRotation") { Field = "RotateEvery" };
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await FindAsync(db.Domains, actor, domainId, cancel) is not { } domain) return Gone;
        if (domain.Version != version) return Conflict.ChangedByOthers;
        if (domain.RotateDkimEveryMonths == everyMonths) return Outcome.Done;

        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "domain.dkim.schedule", domain.DisplayName, new { domain.RotateDkimEveryMonths }, new { rotateDkimEveryMonths = everyMonths }, domain.Id));
        domain.RotateDkimEveryMonths = everyMonths;
        domain.Version++;
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
    }

    /// <summary>Why no rotation can begin now.</summary>
    internal static Conflict? RotationFault(List<DkimKey> keys) =>
        keys.Exists(k => k.State == DkimKeyState.Waiting) ? new("DkimRotationUnderWay")
        : keys.Exists(k => k.State == DkimKeyState.Active) ? null
        : new("DkimNotStarted");

    private static NotPermitted NotAllowed => new(Capability.ManageDomains);

    private static NotFound Gone => new("Domain");

    private static DateTimeOffset? NextRotation(Domain domain, List<DkimKey> keys) =>
        domain.RotateDkimEveryMonths is { } months && !keys.Exists(k => k.State == DkimKeyState.Waiting) && keys.Where(k => k.State == DkimKeyState.Active).Max(k => k.ActivatedAt) is { } since
            ? since.AddMonths(months)
            : null;

    private static Task<Domain?> FindAsync(IQueryable<Domain> domains, Actor actor, Guid id, CancellationToken cancel) =>
        domains.InScopeOf(actor, Capability.ManageDomains).SingleOrDefaultAsync(d => d.Id == id, cancel);

    private async Task<Refusal?> RefusalAsync(Actor actor, Guid domainId, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return NotAllowed;
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await FindAsync(db.Domains.AsNoTracking(), actor, domainId, cancel) is null ? Gone : null;
    }

    private async Task<Outcome> AddAsync(Actor actor, Guid domainId, string action, Func<List<DkimKey>, Conflict?> faultOf, CancellationToken cancel)
    {
        if (await RefusalAsync(actor, domainId, cancel) is { } refusal) return refusal;   // before the costly key
        var pair = await DkimKeyPair.MakeAsync(cancel);
        return await new DkimPairs(databases, gate, secrets, clock).AddAsync(actor, domainId, pair, action, faultOf, cancel);
    }

    private async Task<Outcome> ChangeAsync(Actor actor, Guid domainId, Func<PortalDbContext, Domain, List<DkimKey>, Refusal?> change, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return NotAllowed;
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await FindAsync(db.Domains.AsNoTracking(), actor, domainId, cancel) is not { } domain) return Gone;
        if (change(db, domain, await DkimChecker.LiveKeysAsync(db, domainId, cancel)) is { } refusal) return refusal;
        return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
    }
}
