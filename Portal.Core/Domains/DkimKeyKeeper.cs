using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Domains;

/// <summary>
/// Takes every ten minutes, on one node, the steps that nobody need press a button for: looks whether the DNS has the records of keys
/// that wait, and lets these sign; ends keys whose records have stayed long enough; begins rotations that are due.
/// </summary>
internal sealed partial class DkimKeyKeeper(IDbContextFactory<PortalDbContext> databases, WriteGate gate, SecretBox secrets, IKeyRecordLookup lookup, JobLeases leases, TimeProvider clock, ILogger<DkimKeyKeeper> logger)
    : LeasedJob("dkim.keep", leases, clock, logger, TimeSpan.FromMinutes(10))
{
    private const int DomainsATurn = 20;
    private const int KeysATurn = 100;

    /// <summary>What a round looks for: more, and slow name servers would make it longer than ten minutes.</summary>
    private const int LooksARound = 1_000;

    private readonly DkimChecker checker = new(databases, gate, lookup, clock);
    private readonly DkimPairs pairs = new(databases, gate, secrets, clock);

    internal override async Task RunAsync(CancellationToken cancel)
    {
        var looked = 0;
        await TurnsAsync(
            async stop =>
            {
                var done = looked >= LooksARound ? 0 : await LookAsync(stop);
                looked += done;
                return done;
            },
            cancel);
        var retired = await TurnsAsync(RetireAsync, cancel);
        var begun = 0;
        foreach (var months in DkimKeyService.RotationChoices) begun += await RotateAsync(months, cancel);
        if (retired + begun > 0) LogDone(Logger, retired, begun);
    }

    /// <summary>One turn of looking.</summary>
    /// <returns>Domains looked at; zero also when the DNS answered nothing at all: it is away.</returns>
    private async Task<int> LookAsync(CancellationToken cancel)
    {
        var due = await DueAsync(cancel);
        var answers = 0;
        foreach (var domainId in due)
        {
            var looks = await checker.CheckAsync(Actor.System(), domainId, onlyWaiting: true, cancel);
            if (looks is null || looks.Values.Any(l => l != KeyRecordState.Failed)) answers++;
        }

        return answers == 0 ? 0 : due.Count;
    }

    private async Task<List<Guid>> DueAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var now = Clock.GetUtcNow();
        var due = await db.DkimKeys.AsNoTracking().Where(k => k.State == DkimKeyState.Waiting && k.NextCheckAt <= now)
            .OrderBy(k => k.NextCheckAt).Take(2 * DomainsATurn).Select(k => k.DomainId).ToListAsync(cancel);
        return [.. due.Distinct()];
    }

    private async Task<int> RetireAsync(CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var now = Clock.GetUtcNow();
        var due = await (from key in db.DkimKeys
                         join domain in db.Domains on key.DomainId equals domain.Id
                         where key.State == DkimKeyState.Retiring && key.RetireAt <= now
                         orderby key.RetireAt
                         select new { key, domain.DisplayName }).Take(KeysATurn).ToListAsync(cancel);
        if (due.Count == 0) return 0;

        foreach (var keys in due.GroupBy(d => (d.key.DomainId, d.DisplayName), d => d.key))
        {
            foreach (var key in keys) DkimKeySteps.Retire(key, now);
            db.Audit.Add(AuditEntry.Change(Actor.System(), now, "domain.dkim.retire", keys.Key.DisplayName, DkimKeySteps.Shown(keys), null, keys.Key.DomainId));
        }

        DkimKeySteps.Raise(db);
        return await db.SaveChangeAsync(cancel) is null ? due.Count : 0;   // another node was faster, or a person
    }

    /// <summary>Begins the rotations that are due after so many months.</summary>
    private async Task<int> RotateAsync(int months, CancellationToken cancel)
    {
        var last = Guid.Empty;
        return await TurnsAsync(
            async stop =>
            {
                var due = await RotationsDueAsync(months, last, stop);
                foreach (var domainId in due)
                {
                    var outcome = await pairs.AddAsync(Actor.System(), domainId, await DkimKeyPair.MakeAsync(stop), "domain.dkim.rotate", DkimKeyService.RotationFault, stop);
                    if (outcome.Refusal is { } refusal) LogNotBegun(Logger, domainId, refusal.Key);
                }

                if (due.Count > 0) last = due[^1];
                return due.Count;
            },
            cancel);
    }

    private async Task<List<Guid>> RotationsDueAsync(int months, Guid after, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var before = Clock.GetUtcNow().AddMonths(-months);
        return await db.Domains.AsNoTracking()
            .Where(d => d.RotateDkimEveryMonths == months && d.Id > after)
            .Where(d => db.DkimKeys.Any(k => k.DomainId == d.Id && k.State == DkimKeyState.Active && k.ActivatedAt <= before))
            .Where(d => !db.DkimKeys.Any(k => k.DomainId == d.Id && (k.State == DkimKeyState.Waiting || (k.State == DkimKeyState.Active && k.ActivatedAt > before))))
            .OrderBy(d => d.Id).Take(DomainsATurn).Select(d => d.Id).ToListAsync(cancel);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "DKIM: retired {Keys} keys, began {Rotations} rotations")]
    private static partial void LogDone(ILogger logger, int keys, int rotations);

    [LoggerMessage(Level = LogLevel.Warning, Message = "DKIM: the rotation of domain {Domain} could not begin: {Why}")]
    private static partial void LogNotBegun(ILogger logger, Guid domain, string why);
}
