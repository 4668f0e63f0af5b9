using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Domains;

/// <summary>Looks for the records of a domain's keys and takes down what the DNS said.</summary>
internal sealed class DkimChecker(IDbContextFactory<PortalDbContext> databases, WriteGate gate, IKeyRecordLookup lookup, TimeProvider clock)
{
    /// <summary>More live keys than this no domain comes by in earnest.</summary>
    internal const int MaxKeys = 200;

    private const int AtATime = 4;

    /// <summary>Looks for records of one domain; the gate is not held meanwhile.</summary>
    /// <param name="actor">Whose act it is when the keys begin to sign.</param>
    /// <param name="onlyWaiting">Whether only those that wait are looked for.</param>
    /// <returns>What the DNS said, by key; null when somebody changed the keys meanwhile: then nothing was taken down.</returns>
    public async Task<IReadOnlyDictionary<Guid, KeyRecordState>?> CheckAsync(Actor actor, Guid domainId, bool onlyWaiting, CancellationToken cancel)
    {
        var looks = await LookAsync(await RecordsAsync(domainId, onlyWaiting, cancel), cancel);
        if (looks.IsEmpty) return looks;

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.Domains.AsNoTracking().SingleOrDefaultAsync(d => d.Id == domainId, cancel) is not { } domain) return null;
        DkimKeySteps.Look(db, actor, domain, await LiveKeysAsync(db, domainId, cancel), looks, clock.GetUtcNow());
        return await db.SaveChangeAsync(cancel) is null ? looks : null;
    }

    /// <summary>All keys of a domain that are not retired, to be changed.</summary>
    internal static Task<List<DkimKey>> LiveKeysAsync(PortalDbContext db, Guid domainId, CancellationToken cancel) =>
        db.DkimKeys.Where(k => k.DomainId == domainId && k.State != DkimKeyState.Retired).OrderBy(k => k.State).ThenBy(k => k.Id).Take(MaxKeys).ToListAsync(cancel);

    private async Task<List<(Guid Id, DkimRecord Record)>> RecordsAsync(Guid domainId, bool onlyWaiting, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var name = await db.Domains.AsNoTracking().Where(d => d.Id == domainId).Select(d => d.Name).SingleOrDefaultAsync(cancel);
        if (name is null) return [];
        var keys = await db.DkimKeys.AsNoTracking()
            .Where(k => k.DomainId == domainId && (k.State == DkimKeyState.Waiting || (!onlyWaiting && k.State != DkimKeyState.Retired)))
            .OrderBy(k => k.State).ThenBy(k => k.Id).Take(MaxKeys).ToListAsync(cancel);
        return [.. keys.Select(k => (k.Id, DkimRecord.Of(name, k.Selector, k.Algorithm, k.PublicKey)))];
    }

    private async Task<ConcurrentDictionary<Guid, KeyRecordState>> LookAsync(List<(Guid Id, DkimRecord Record)> records, CancellationToken cancel)
    {
        var looks = new ConcurrentDictionary<Guid, KeyRecordState>();
        await Parallel.ForEachAsync(records, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancel }, async (record, stop) => looks[record.Id] = await lookup.LookAsync(record.Record, stop));
        return looks;
    }
}
