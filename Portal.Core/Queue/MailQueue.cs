using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Core.Trace;

namespace Portal.Core.Queue;

/// <summary>
/// The engine's side of the queue: claims in one statement, outcomes that count only while the claim does (Id, Owner, Claim), many
/// outcomes in one commit (DESIGN §4). What people may do is <see cref="QueueService"/>.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to dispose.")]
public sealed class MailQueue(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, ThisNode node, TimeProvider clock)
{
    /// <summary>Route keys walked over in one look, those with nothing due among them.</summary>
    public const int MaxKeysPerLook = 200;

    private const int MaxAttemptsPerCommit = 64;

    private readonly ConcurrentQueue<Waiting> pending = new();
    private readonly SemaphoreSlim committing = new(1, 1);

    // Each claim is an object of its own: a second claim of the same entry is not forgotten with the first.
    private readonly ConcurrentDictionary<QueueEntry, bool> held = new(ReferenceEqualityComparer.Instance);
    private HashSet<(long Id, int Claim)> unknown = [];

    /// <summary>
    /// Route keys with due entries, the longest waiting first. A look walks from key to key in their order and no entry but the first few
    /// of each, so that it costs the same however many are due at one; where it stopped the next one goes on.
    /// </summary>
    /// <param name="except">Keys that are busy enough.</param>
    /// <param name="after">Key to go on behind; empty to begin.</param>
    /// <param name="countTo">Entries counted of each key.</param>
    public async Task<DueLook> DueAsync(IReadOnlyCollection<string> except, string after, int countTo, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var now = clock.GetUtcNow();
        var isPostgres = db.IsPostgres;
        object at = isPostgres ? now.ToUniversalTime() : now.UtcTicks;   // as the model's converters store it
        var keys = await db.Database.SqlQueryRaw<DueKey>(isPostgres ? PostgresDueWalk : SqliteDueWalk, after, at, MaxKeysPerLook, countTo).ToListAsync(cancel);
        return new DueLook(
            [.. keys.Where(k => k.Due > 0 && !except.Contains(k.RouteKey)).Select(k => new DueDestination(k.RouteKey, k.Due))],
            keys.Find(k => k.Number == MaxKeysPerLook)?.RouteKey);
    }

    /// <summary>
    /// Claims due entries of one route key for this process and counts the try; those of one message come together. Whoever claims says
    /// with <see cref="Forget"/> when nobody works on them any more.
    /// </summary>
    public async Task<IReadOnlyList<QueueEntry>> ClaimAsync(string routeKey, int max, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var isPostgres = db.IsPostgres;
        var now = clock.GetUtcNow();
        object owner = isPostgres ? node.Id : node.Id.ToByteArray(bigEndian: true);   // as the model's converters store them
        object at = isPostgres ? now.ToUniversalTime() : now.UtcTicks;
        var claimed = await db.QueueEntries.FromSqlRaw(isPostgres ? PostgresClaim : SqliteClaim, owner, routeKey, at, max).AsNoTracking().ToListAsync(cancel);
        foreach (var entry in claimed) held[entry] = true;
        return [.. claimed.OrderBy(e => e.MessageId).ThenBy(e => e.Id)];
    }

    /// <summary>Nobody here works on them any more: what of them is still claimed goes back to the queue with the beats.</summary>
    public void Forget(IReadOnlyCollection<QueueEntry> claimed)
    {
        foreach (var entry in claimed) held.TryRemove(entry, out _);
    }

    /// <summary>
    /// Gives back claims of this process that nobody here knows of: the connection died between their commit and its answer. Only those
    /// that were unknown at the last beat as well, since an answer may just be on its way. One beat at a time, inside its turn.
    /// </summary>
    internal async Task<int> FreeUnknownAsync(PortalDbContext db, CancellationToken cancel)
    {
        var ours = await db.QueueEntries.AsNoTracking().Where(e => e.Owner == node.Id && e.State == QueueState.Claimed).Select(e => new { e.Id, e.Claim }).ToListAsync(cancel);
        var known = held.Keys.Select(e => (e.Id, e.Claim)).ToHashSet();   // read after the query: a claim answered meanwhile is known
        var now = ours.Select(e => (e.Id, e.Claim)).Where(e => !known.Contains(e)).ToHashSet();
        var freed = 0;
        foreach (var (id, claim) in now.Where(unknown.Contains))
        {
            freed += await db.QueueEntries.Where(e => e.Id == id && e.Claim == claim && e.Owner == node.Id && e.State == QueueState.Claimed)
                .ExecuteUpdateAsync(e => e.SetProperty(x => x.State, QueueState.Due).SetProperty(x => x.Owner, (Guid?)null), cancel);
        }

        unknown = now;
        return freed;
    }

    /// <summary>Whether all of them are still this process's: asked before a message is handed over for good.</summary>
    public async Task<bool> OwnsAsync(IReadOnlyCollection<QueueEntry> entries, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var ids = entries.Select(e => e.Id).ToList();
        var owned = await db.QueueEntries.AsNoTracking().Where(e => ids.Contains(e.Id) && e.Owner == node.Id && e.State == QueueState.Claimed)
            .Select(e => new { e.Id, e.Claim }).ToDictionaryAsync(e => e.Id, e => e.Claim, cancel);
        return entries.All(e => owned.TryGetValue(e.Id, out var claim) && claim == e.Claim);
    }

    /// <summary>Makes a try's outcomes durable, together with whatever else waits for that. An entry that is somebody else's by now is left alone.</summary>
    public async Task SettleAsync(Attempt attempt, CancellationToken cancel)
    {
        var waiting = new Waiting(attempt);
        pending.Enqueue(waiting);
        await committing.WaitAsync(cancel);   // whoever has the turn commits for all who wait behind it
        try
        {
            while (!waiting.Done.Task.IsCompleted) await CommitPendingAsync();   // more may wait before this one than a turn takes
        }
        finally
        {
            committing.Release();
        }

        await waiting.Done.Task;
    }

    /// <summary>
    /// Writes a try's outcomes inside somebody else's transaction: what must stand or fall with a DSN. The copies to be placed in it, or
    /// null, and nothing written, when any of its entries is no longer ours.
    /// </summary>
    public async Task<IReadOnlyList<StoredCopy>?> StageAsync(PortalDbContext db, Attempt attempt, CancellationToken cancel)
    {
        const string Before = "settle";
        var transaction = db.Database.CurrentTransaction ?? throw new InvalidOperationException("Outcomes are staged inside a transaction.");
        await transaction.CreateSavepointAsync(Before, cancel);
        var copies = new List<StoredCopy>();
        foreach (var settlement in attempt.Settlements)
        {
            if (await ApplyAsync(db, settlement, copies, cancel)) continue;
            await transaction.RollbackToSavepointAsync(Before, cancel);
            return null;
        }

        AddEvent(db, attempt);
        await db.SaveChangesAsync(cancel);
        return copies;
    }

    private async Task CommitPendingAsync()
    {
        var batch = new List<Waiting>();
        while (batch.Count < MaxAttemptsPerCommit && pending.TryDequeue(out var next)) batch.Add(next);
        try
        {
            await CommitAsync(batch);
        }
        catch (Exception) when (batch.Count > 1)
        {
            foreach (var waiting in batch) await CommitAloneAsync(waiting);   // only the culprit shall hear of it
        }
        catch (Exception e)
        {
            batch[0].Done.TrySetException(e);
        }
    }

    private async Task CommitAloneAsync(Waiting waiting)
    {
        try
        {
            await CommitAsync([waiting]);
        }
        catch (Exception e)
        {
            waiting.Done.TrySetException(e);   // its caller decides
        }
    }

    // No cancellation: what the peers have been told must be written down also while we stop.
    private async Task CommitAsync(List<Waiting> batch)
    {
        using (await gate.EnterAsync(CancellationToken.None))
        {
            await using var db = await databases.CreateDbContextAsync();
            await using var transaction = await db.Database.BeginTransactionAsync();
            var copies = new List<StoredCopy>();
            foreach (var waiting in batch)
            {
                var settled = 0;
                foreach (var settlement in waiting.Attempt.Settlements)
                    if (await ApplyAsync(db, settlement, copies, CancellationToken.None)) settled++;
                if (settled > 0) AddEvent(db, waiting.Attempt);
            }

            await StoredCopies.PlaceAsync(db, copies, clock.GetUtcNow(), CancellationToken.None);   // of the whole batch, or the order of rows would not hold
            await db.SaveChangesAsync();
            await transaction.CommitAsync();
        }

        feed.Publish(Change.Queue);
        feed.Publish(Change.Trace);
        foreach (var mailbox in batch.SelectMany(w => w.Attempt.Settlements).SelectMany(s => s.Placement?.Mailboxes ?? []).Distinct()) feed.Publish(Change.Mail, mailbox);
        foreach (var waiting in batch) waiting.Done.TrySetResult();
    }

    /// <summary>One outcome, if the entry is still ours and what it comes to still stands; adds the copies that are to be placed with it.</summary>
    private async Task<bool> ApplyAsync(PortalDbContext db, Settlement settlement, List<StoredCopy> copies, CancellationToken cancel)
    {
        if (settlement.Placement is { } wanted && !await wanted.StandsAsync(db, cancel)) return false;
        var entry = settlement.Entry;
        var at = clock.GetUtcNow();
        var next = settlement.NextAttemptAt ?? at;
        var ours = db.QueueEntries.Where(e => e.Id == entry.Id && e.Owner == node.Id && e.Claim == entry.Claim && e.State == QueueState.Claimed);
        var reply = StorableText.Cut(settlement.Reply, Settlement.MaxReplyLength);
        var rows = settlement.Kind switch
        {
            SettlementKind.Released or SettlementKind.Rerouted => await ours.ExecuteUpdateAsync(
                e => e.SetProperty(x => x.State, QueueState.Due).SetProperty(x => x.Owner, (Guid?)null).SetProperty(x => x.Attempt, entry.Attempt - 1)
                    .SetProperty(x => x.RouteKey, settlement.RouteKey ?? entry.RouteKey).SetProperty(x => x.Kind, settlement.Becomes ?? entry.Kind)
                    .SetProperty(x => x.Notify, settlement.Becomes == QueueKind.Relay && entry.AccountId == null ? DsnNotify.Never : entry.Notify)   // what leaves for a stranger may be forged: nobody is told
                    .SetProperty(x => x.NextAttemptAt, next), cancel),
            SettlementKind.Deferred => await ours.ExecuteUpdateAsync(
                e => e.SetProperty(x => x.State, QueueState.Due).SetProperty(x => x.Owner, (Guid?)null).SetProperty(x => x.NextAttemptAt, next)
                    .SetProperty(x => x.Cause, settlement.Cause).SetProperty(x => x.LastReply, reply).SetProperty(x => x.LastRule, settlement.Rule)
                    .SetProperty(x => x.DelayNoticeSent, x => x.DelayNoticeSent || settlement.SendsDelayNotice), cancel),
            _ => await ours.ExecuteDeleteAsync(cancel),
        };
        if (rows == 0) return false;
        if (settlement.Placement is { } placement)
        {
            copies.AddRange(await placement.CopiesAsync(db, entry, cancel));
            await placement.QueueRelaysAsync(db, entry, at, cancel);
        }

        if (settlement.IsFinal || settlement.Kind == SettlementKind.Deferred) await QueueTrace.SetRecipientAsync(db, entry.QueueId, entry.ForwardPath, settlement.Outcome, settlement.Rule, reply, at, cancel);
        return true;
    }

    private void AddEvent(PortalDbContext db, Attempt attempt)
    {
        if (attempt.Facts.Count == 0) return;
        db.TraceEvents.Add(new TraceEvent { QueueId = attempt.QueueId, At = clock.GetUtcNow(), Kind = TraceEventKind.Attempt, Facts = TraceFacts.Write(attempt.Facts) });
    }

    private sealed class Waiting(Attempt attempt)
    {
        public Attempt Attempt { get; } = attempt;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed record DueKey(string RouteKey, int Number, int Due);

    // State 0 is Due, 2 is Claimed; cause 9 is Removed: the demo's mail is never tried, only what an administrator returns goes back to its
    // sender. Each step is a seek in the index of claims; a GROUP BY would read every due entry. A key whose first entry is not due costs no more.
    private static string DueWalk(string isOfKey, string order) => $$"""
        WITH RECURSIVE "Walk" ("RouteKey", "Number") AS (
            SELECT (SELECT q."RouteKey" FROM "QueueEntry" AS q WHERE q."State" = 0 AND q."RouteKey" > {0} ORDER BY q."RouteKey" LIMIT 1), 1
            UNION ALL
            SELECT (SELECT q."RouteKey" FROM "QueueEntry" AS q WHERE q."State" = 0 AND q."RouteKey" > w."RouteKey" ORDER BY q."RouteKey" LIMIT 1), w."Number" + 1
            FROM "Walk" AS w WHERE w."RouteKey" IS NOT NULL AND w."Number" < {2}),
        "First" ("RouteKey", "Number", "At") AS (
            SELECT w."RouteKey", w."Number", (
                SELECT q."NextAttemptAt" FROM "QueueEntry" AS q WHERE {{isOfKey}} AND (NOT q."IsDemo" OR q."Cause" = 9) ORDER BY {{order}} LIMIT 1)
            FROM "Walk" AS w WHERE w."RouteKey" IS NOT NULL)
        SELECT w."RouteKey", w."Number", CASE WHEN w."At" <= {1} THEN (
            SELECT CAST(COUNT(*) AS integer) FROM (
                SELECT q."NextAttemptAt" FROM "QueueEntry" AS q WHERE {{isOfKey}} AND (NOT q."IsDemo" OR q."Cause" = 9) ORDER BY {{order}} LIMIT {3}) AS d
            WHERE d."NextAttemptAt" <= {1}) ELSE 0 END AS "Due"
        FROM "First" AS w ORDER BY w."At"
        """;

    private static readonly string SqliteDueWalk = DueWalk("""q."State" = 0 AND q."RouteKey" = w."RouteKey" """, """q."NextAttemptAt" """);

    // A range in place of "=": told one key, the planner takes it for an average one, and reads the table or the index of next tries through
    // for a rare one. What is due bounds the result, not the scan, which ends with the key or the limit.
    private static readonly string PostgresDueWalk = DueWalk(
        """q."State" = 0 AND q."RouteKey" >= w."RouteKey" AND q."RouteKey" <= w."RouteKey" """, """q."RouteKey", q."NextAttemptAt" """);

    // Demo entries are few, and the row is read anyway: no index need know of them.
    private const string SqliteClaim = """
        UPDATE "QueueEntry" SET "State" = 2, "Owner" = {0}, "Attempt" = "Attempt" + 1, "Claim" = "Claim" + 1
        WHERE "Id" IN (SELECT "Id" FROM "QueueEntry" WHERE "State" = 0 AND "RouteKey" = {1} AND "NextAttemptAt" <= {2} AND (NOT "IsDemo" OR "Cause" = 9) ORDER BY "NextAttemptAt", "MessageId", "Id" LIMIT {3})
        RETURNING *
        """;

    // The subquery is locked and materialised: inside IN the planner may run it twice, and claim twice as many.
    private const string PostgresClaim = """
        WITH due AS MATERIALIZED (
            SELECT "Id" FROM "QueueEntry" WHERE "State" = 0 AND "RouteKey" = {1} AND "NextAttemptAt" <= {2} AND (NOT "IsDemo" OR "Cause" = 9)
            ORDER BY "NextAttemptAt", "MessageId", "Id" LIMIT {3} FOR UPDATE SKIP LOCKED)
        UPDATE "QueueEntry" AS q SET "State" = 2, "Owner" = {0}, "Attempt" = q."Attempt" + 1, "Claim" = q."Claim" + 1 FROM due WHERE q."Id" = due."Id" RETURNING q.*
        """;
}
