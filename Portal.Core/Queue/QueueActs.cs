using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Trace;

namespace Portal.Core.Queue;

/// <summary>What an act did.</summary>
/// <param name="Changed">Ids of the entries that were changed.</param>
/// <param name="Claimed">Those it left alone because they are being delivered at this moment.</param>
internal sealed record QueueActDone(IReadOnlyList<long> Changed, IReadOnlyList<QueueEntry> Claimed);

/// <summary>Carries acts out on at most 500 entries, inside the caller's turn and transaction.</summary>
internal static class QueueActs
{
    /// <summary>Changes the entries that nobody has claimed and writes their trace; the caller saves.</summary>
    public static async Task<QueueActDone> ApplyAsync(PortalDbContext db, QueueAct act, IReadOnlyList<QueueEntry> entries, string actorName, DateTimeOffset at, CancellationToken cancel)
    {
        var ids = entries.AsQueryable().Where(Reaches(act)).Select(e => e.Id).ToList();
        if (ids.Count == 0) return new([], Claimed([]));

        // The engine may claim between our reading and this statement; its condition decides, and locks the rows until our commit.
        var rows = db.QueueEntries.Where(e => ids.Contains(e.Id));
        await (act switch
        {
            QueueAct.Retry => rows.Where(e => e.State == QueueState.Due).ExecuteUpdateAsync(e => e.SetProperty(x => x.NextAttemptAt, at), cancel),
            QueueAct.Hold => rows.Where(e => e.State == QueueState.Due).ExecuteUpdateAsync(e => e.SetProperty(x => x.State, QueueState.Held), cancel),
            QueueAct.Release => rows.Where(e => e.State == QueueState.Held).ExecuteUpdateAsync(e => e.SetProperty(x => x.State, QueueState.Due).SetProperty(x => x.NextAttemptAt, at), cancel),
            _ => rows.Where(e => e.State != QueueState.Claimed).ExecuteUpdateAsync(
                e => e.SetProperty(x => x.State, QueueState.Due).SetProperty(x => x.Cause, DeferCause.Removed).SetProperty(x => x.NextAttemptAt, at), cancel),
        });

        var changed = await rows.AsNoTracking().Where(IsIn(act)).ToListAsync(cancel);
        foreach (var entry in changed) db.TraceEvents.Add(QueueTrace.Action(entry.QueueId, at, QueueService.ActionOf(act), entry.ForwardPath, actorName));
        if (act == QueueAct.Delete) await RemoveAsync(db, changed, at, cancel);
        var changedIds = changed.ConvertAll(e => e.Id);
        return new(changedIds, Claimed([.. ids.Except(changedIds)]));

        // Claimed when they were read, or since.
        List<QueueEntry> Claimed(HashSet<long> since) => [.. entries.Where(e => e.State == QueueState.Claimed || since.Contains(e.Id))];
    }

    /// <summary>What domains sent; null means everything.</summary>
    public static IQueryable<QueueEntry> SentBy(IQueryable<QueueEntry> entries, IReadOnlyList<string>? domains)
    {
        if (domains is null) return entries;
        // A client may have typed an international domain in either form.
        var endings = domains.SelectMany(d => DomainName.TryParse(d, out var name) ? [d, name.Display] : new[] { d }).Select(d => "@" + d).Distinct().ToList();
#pragma warning disable CA1304, CA1310, CA1311, CA1862   // translated to SQL; LIKE would fold on one database only, and take "_" for any character
        return entries.Where(e => endings.Any(ending => e.ReversePath.ToLower().EndsWith(ending)));
#pragma warning restore CA1304, CA1310, CA1311, CA1862
    }

    private static async Task RemoveAsync(PortalDbContext db, List<QueueEntry> entries, DateTimeOffset at, CancellationToken cancel)
    {
        var ids = entries.ConvertAll(e => e.Id);
        await db.QueueEntries.Where(e => ids.Contains(e.Id)).ExecuteDeleteAsync(cancel);
        foreach (var entry in entries) await QueueTrace.SetRecipientAsync(db, entry.QueueId, entry.ForwardPath, RecipientOutcome.Removed, "queue.delete", null, at, cancel);
    }

    /// <summary>The entries that an act changes; the others it leaves alone.</summary>
    public static Expression<Func<QueueEntry, bool>> Reaches(QueueAct act) => act switch
    {
        QueueAct.Retry or QueueAct.Hold => e => e.State == QueueState.Due,
        QueueAct.Release => e => e.State == QueueState.Held,
        _ => e => e.State != QueueState.Claimed,
    };

    private static Expression<Func<QueueEntry, bool>> IsIn(QueueAct act) => act switch
    {
        QueueAct.Hold => e => e.State == QueueState.Held,
        QueueAct.Retry or QueueAct.Release => e => e.State == QueueState.Due,
        _ => e => e.State == QueueState.Due && e.Cause == DeferCause.Removed,
    };
}
