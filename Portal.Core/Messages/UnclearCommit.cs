using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>Finds out what became of a commit whose answer was lost (DESIGN §3).</summary>
internal sealed class UnclearCommit(IDbContextFactory<PortalDbContext> databases, TimeProvider clock)
{
    /// <summary>How long a commit may still be in progress before it counts as unknown.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Between two questions.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Whether the batch is in the database: all of it or nothing. The queue ids answer, which are unique for ever; the transaction's id only
    /// tells when to ask, for on PostgreSQL a commit goes on in the server after its client is gone. Its "committed" proves nothing by itself:
    /// on a standby that took over without it the number may be another transaction's.
    /// </summary>
    /// <exception cref="TimeoutException">It is still in progress.</exception>
    public async Task<bool> IsStoredAsync(ulong? transactionId, IReadOnlyCollection<Acceptance> written)
    {
        await using var db = await databases.CreateDbContextAsync();
        if (transactionId is { } id) await WaitAsync(db, id);

        var traced = written.Where(a => a.IsDiscarded).Select(a => a.QueueId).ToList();
        var stored = written.Where(a => !a.IsDiscarded).Select(a => a.QueueId).ToList();
        return await db.Messages.AsNoTracking().CountAsync(m => stored.Contains(m.QueueId)) == stored.Count
            && (traced.Count == 0 || await db.Traces.AsNoTracking().CountAsync(t => traced.Contains(t.QueueId)) == traced.Count);
    }

    private async Task WaitAsync(PortalDbContext db, ulong transactionId)
    {
        var since = clock.GetTimestamp();
        var id = transactionId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        while (await db.Database.SqlQuery<string?>($"SELECT pg_xact_status(CAST({id} AS xid8)) AS \"Value\"").SingleAsync() == "in progress")
        {
            if (clock.GetElapsedTime(since) >= Patience) throw new TimeoutException($"Transaction {id} is still in progress.");
            await Task.Delay(Pause, clock);
        }
    }
}
