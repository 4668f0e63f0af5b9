using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Quarantine;

/// <summary>Carries acts out on at most 500 items, inside the caller's turn and transaction.</summary>
internal static class QuarantineActs
{
    /// <summary>Rule of a recipient whose copy grew too old in quarantine.</summary>
    public const string ExpiredAction = "quarantine.expired";

    /// <summary>Key of the audit's Actions resource; the trace's rule too.</summary>
    public static string ActionOf(QuarantineAct act) => act == QuarantineAct.Release ? "quarantine.release" : "quarantine.delete";

    /// <summary>Does it with the items that are still there; the caller saves.</summary>
    /// <param name="routeKeyOf">What a relayed item's entry waits under.</param>
    /// <returns>How many were.</returns>
    public static async Task<int> ApplyAsync(PortalDbContext db, QuarantineAct act, IReadOnlyList<QuarantineItem> items, Func<QuarantineItem, ValueTask<string>> routeKeyOf, string actorName, DateTimeOffset at, CancellationToken cancel)
    {
        var done = 0;
        foreach (var item in items)
        {
            if (!await TakeAsync(db, item, cancel)) continue;
            done++;
            if (act == QuarantineAct.Release) db.QueueEntries.Add(item.Release(item.Kind == QueueKind.Relay ? await routeKeyOf(item) : QueueEntry.LocalRouteKey, at));
            await TellAsync(db, item, act == QuarantineAct.Release ? RecipientOutcome.Queued : RecipientOutcome.Removed, ActionOf(act), actorName, at, cancel);
        }

        return done;
    }

    /// <summary>Deletes what is old enough, of <paramref name="most"/> items; the caller saves.</summary>
    /// <returns>How many it looked at.</returns>
    public static async Task<int> ExpireAsync(PortalDbContext db, DateTimeOffset now, int most, CancellationToken cancel)
    {
        var items = await db.QuarantineItems.AsNoTracking().Where(i => i.ExpiresAt < now).OrderBy(i => i.ExpiresAt).Take(most).ToListAsync(cancel);
        foreach (var item in items.OrderBy(i => i.Id))   // as people's acts take them, so that none waits for the other
            if (await TakeAsync(db, item, cancel)) await TellAsync(db, item, RecipientOutcome.Removed, ExpiredAction, null, now, cancel);
        return items.Count;
    }

    /// <summary>Takes an item out. Two at once: whose delete finds the row has it, and the row's lock holds the other until our commit.</summary>
    private static async Task<bool> TakeAsync(PortalDbContext db, QuarantineItem item, CancellationToken cancel) =>
        await db.QuarantineItems.Where(i => i.Id == item.Id).ExecuteDeleteAsync(cancel) == 1;

    private static Task TellAsync(PortalDbContext db, QuarantineItem item, RecipientOutcome outcome, string action, string? actorName, DateTimeOffset at, CancellationToken cancel)
    {
        db.TraceEvents.Add(QueueTrace.Action(item.QueueId, at, action, item.ForwardPath, actorName));
        return QueueTrace.SetRecipientAsync(db, item.QueueId, item.ForwardPath, outcome, action, null, at, cancel);
    }
}
