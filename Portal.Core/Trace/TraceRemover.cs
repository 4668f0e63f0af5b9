using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;
using Portal.Core.Data;
using Portal.Core.Jobs;

namespace Portal.Core.Trace;

/// <summary>
/// Removes trace by age. PostgreSQL drops whole weeks; what stands in its default partition, and all of it on SQLite, goes in turns
/// of <see cref="MaxRows"/>. Search terms have no index by message: they are worked out again from what the trace says.
/// </summary>
public sealed partial class TraceRemover(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ILogger<TraceRemover> logger)
{
    /// <summary>Most rows of a turn (DESIGN §5).</summary>
    internal const int MaxRows = 500;

    private const int MaxTraces = 100;

    /// <summary>Up to where content facts are gone already, a queue id: each event is looked at once.</summary>
    private const string ContentCursorKey = "trace.contentFactsGoneTo";

    /// <summary>Drops the partitions of weeks that ended before then; nothing on SQLite.</summary>
    /// <returns>How many.</returns>
    public async Task<int> DropWeeksAsync(DateTimeOffset before, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (!db.IsPostgres) return 0;

        var dropped = 0;
        foreach (var table in TracePartitions.Tables)
        {
            var parent = $"\"{table}\"";
            var names = await db.Database.SqlQuery<string>($"""SELECT c.relname::text AS "Value" FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = {parent}::regclass""").ToListAsync(cancel);
            foreach (var name in names.Where(n => TracePartitionKeeper.MondayOf(table, n)?.AddDays(7) <= before).Order(StringComparer.Ordinal))
                if (await DropAsync(db, name, cancel)) dropped++;
        }

        return dropped;
    }

    /// <summary>One turn over what is older than then.</summary>
    /// <returns>Rows removed; 0 when nothing is left.</returns>
    public async Task<int> RemoveAsync(DateTimeOffset before, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        // A week of PostgreSQL that has begun to age out is dropped whole when it is over: until then only older rows are looked at.
        var lowest = TraceIds.LowestAt(db.IsPostgres ? TracePartitionKeeper.MondayOf(before) : before);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var doomed = await ChooseAsync(db, lowest, cancel);
        var rows = doomed.Count > 0 ? await RemoveAsync(db, doomed, cancel) : await RemoveStrayAsync(db, lowest, cancel);
        await transaction.CommitAsync(cancel);
        return rows;
    }

    /// <summary>One turn that forgets subjects and authors of what is older than then.</summary>
    /// <returns>Events looked at; 0 when nothing is left.</returns>
    public async Task<int> ForgetContentAsync(DateTimeOffset before, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var cursor = await db.Settings.SingleOrDefaultAsync(s => s.Key == ContentCursorKey, cancel);
        var (from, until) = (Guid.TryParse(cursor?.Value, out var gone) ? gone : Guid.Empty, TraceIds.LowestAt(before));
        var next = await db.TraceEvents.Where(e => e.QueueId > from && e.QueueId < until).OrderBy(e => e.QueueId).ThenBy(e => e.Id).Take(MaxRows).Select(e => e.QueueId).ToListAsync(cancel);
        if (next.Count == 0) return 0;

        var last = next[^1];
        await db.TraceEvents.Where(e => e.QueueId > from && e.QueueId <= last && e.ContentFacts != null).ExecuteUpdateAsync(e => e.SetProperty(x => x.ContentFacts, (string?)null), cancel);
        if (cursor is null) db.Settings.Add(new Setting { Key = ContentCursorKey, Value = last.ToString() });
        else cursor.Value = last.ToString();
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        return next.Count;
    }

    private async Task<bool> DropAsync(PortalDbContext db, string name, CancellationToken cancel)
    {
        try
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancel);
            // Mail waits while the table is locked: rather try again later than hold it up behind a long reader.
            await db.Database.ExecuteSqlRawAsync("SET LOCAL lock_timeout = '2s'", cancel);
#pragma warning disable EF1002   // a name of the catalogue that is one of ours
            await db.Database.ExecuteSqlRawAsync($"DROP TABLE \"{name}\"", cancel);
#pragma warning restore EF1002
            await transaction.CommitAsync(cancel);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
        {
            LogLater(logger, name);
            return false;
        }
    }

    /// <summary>The oldest traces with their recipients, as many as a turn may remove; of one with very many recipients a part.</summary>
    private static async Task<List<Doomed>> ChooseAsync(PortalDbContext db, Guid lowest, CancellationToken cancel)
    {
        var traces = await db.Traces.AsNoTracking().Where(t => t.QueueId < lowest).OrderBy(t => t.QueueId).Take(MaxTraces).ToListAsync(cancel);
        if (traces.Count == 0) return [];

        var ids = traces.ConvertAll(t => t.QueueId);
        var read = await db.TraceRecipients.AsNoTracking().Where(r => ids.Contains(r.QueueId)).OrderBy(r => r.QueueId).ThenBy(r => r.Index).Take(MaxRows).ToListAsync(cancel);
        var events = await db.TraceEvents.Where(e => ids.Contains(e.QueueId)).GroupBy(e => e.QueueId).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        var recipients = read.ToLookup(r => r.QueueId);
        var (chosen, rows) = (new List<Doomed>(), 0);
        foreach (var trace in traces)
        {
            List<TraceRecipient> own = [.. recipients[trace.QueueId]];
            var isWhole = read.Count < MaxRows || trace.QueueId.CompareTo(read[^1].QueueId) < 0;
            var terms = TraceText.TermsOf(trace, own.Select(r => r.Recipient));
            var cost = 1 + own.Count + terms.Count + events.GetValueOrDefault(trace.QueueId);
            if (isWhole && rows + cost <= MaxRows)
            {
                chosen.Add(new(trace.QueueId, terms, null));
                rows += cost;
                continue;
            }

            if (chosen.Count > 0) break;
            if (own.Count == 0) return [new(trace.QueueId, terms, null)];   // many tries of one message: more than a turn by a little

            List<TraceRecipient> part = [.. own.Take(MaxRows / 4)];
            return [new(trace.QueueId, TraceText.TermsOf(trace, part.Select(r => r.Recipient)), part[^1].Index)];
        }

        return chosen;
    }

    private static async Task<int> RemoveAsync(PortalDbContext db, List<Doomed> doomed, CancellationToken cancel)
    {
        var rows = 0;
        foreach (var (id, terms, _) in doomed) rows += await db.TraceTerms.Where(t => t.QueueId == id && terms.Contains(t.Term)).ExecuteDeleteAsync(cancel);
        if (doomed is [{ UpTo: { } index } part])
            return rows + await db.TraceRecipients.Where(r => r.QueueId == part.QueueId && r.Index <= index).ExecuteDeleteAsync(cancel);

        var ids = doomed.ConvertAll(d => d.QueueId);
        rows += await db.TraceRecipients.Where(r => ids.Contains(r.QueueId)).ExecuteDeleteAsync(cancel);
        rows += await db.TraceEvents.Where(e => ids.Contains(e.QueueId)).ExecuteDeleteAsync(cancel);
        return rows + await db.Traces.Where(t => ids.Contains(t.QueueId)).ExecuteDeleteAsync(cancel);
    }

    /// <summary>What was written about a message after its trace had gone.</summary>
    private static async Task<int> RemoveStrayAsync(PortalDbContext db, Guid lowest, CancellationToken cancel)
    {
        var ids = await db.TraceEvents.Where(e => e.QueueId < lowest).OrderBy(e => e.QueueId).Take(MaxTraces).Select(e => e.QueueId)
            .Concat(db.TraceRecipients.Where(r => r.QueueId < lowest).OrderBy(r => r.QueueId).Take(MaxTraces).Select(r => r.QueueId)).ToListAsync(cancel);
        if (ids.Count == 0) return 0;
        return await db.TraceEvents.Where(e => ids.Contains(e.QueueId)).ExecuteDeleteAsync(cancel) + await db.TraceRecipients.Where(r => ids.Contains(r.QueueId)).ExecuteDeleteAsync(cancel);
    }

    /// <summary>A trace to be removed with its terms, or its recipients up to an index.</summary>
    private sealed record Doomed(Guid QueueId, IReadOnlySet<string> Terms, int? UpTo);

    [LoggerMessage(Level = LogLevel.Information, Message = "Trace partition {Partition} is being read; it is dropped later")]
    private static partial void LogLater(ILogger logger, string partition);
}
