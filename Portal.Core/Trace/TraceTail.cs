using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Trace;

/// <summary>
/// What has no search terms yet: the mail of the last second or, under full load, of minutes. It is compared in memory with the very
/// terms the indexer will write, newest first and within a bound.
/// </summary>
internal static class TraceTail
{
    /// <summary>Traces looked at before a search says that it is partial.</summary>
    internal const int MaxScanned = 20_000;

    private const int ChunkRows = 1000;

    /// <summary>Matches among the traces without terms; nothing when the query needs no term, for then the main query sees them too.</summary>
    public static async Task<(IReadOnlyList<Guid> QueueIds, bool IsPartial)> SearchAsync(PortalDbContext db, TraceSearch search, TraceQuery query, TraceScope scope, int limit, CancellationToken cancel)
    {
        if (search.Terms.Count == 0 && scope.Terms is null) return ([], false);

        List<Guid> found = [];
        var isOfTrace = query.Filter is { } filter ? TraceStates.IsOfTrace(filter) : null;
        var rest = query;
        for (var scanned = 0; scanned < MaxScanned; scanned += ChunkRows)
        {
            var ids = await TraceSelection.InRange(db.Traces.Where(t => !t.IsIndexed).Select(t => t.QueueId), rest).OrderByDescending(id => id).Take(ChunkRows).ToListAsync(cancel);
            if (ids.Count == 0) return (found, false);
            var traces = await db.Traces.AsNoTracking().Where(t => ids.Contains(t.QueueId)).ToListAsync(cancel);
            var recipients = (await db.TraceRecipients.AsNoTracking().Where(r => ids.Contains(r.QueueId)).Select(r => new { r.QueueId, r.Recipient, r.Outcome, r.Rule }).ToListAsync(cancel)).ToLookup(r => r.QueueId);
            foreach (var trace in traces.OrderByDescending(t => t.QueueId))
            {
                var own = recipients[trace.QueueId].ToList();
                if (!scope.Sees(trace, own.Select(r => r.Recipient)) || !(isOfTrace?.Invoke(trace) ?? IsMeant(own.Select(r => r.Outcome), query.Filter))) continue;
                if (query.Rule is { Length: > 0 } rule && (trace.Rule is null ? own.All(r => r.Rule != rule) : trace.Rule != rule)) continue;
                if (search.Matches(trace.QueueId, TraceText.TermsOf(trace, own.Select(r => r.Recipient)))) found.Add(trace.QueueId);
                if (found.Count == limit) return (found, false);
            }

            if (ids.Count < ChunkRows) return (found, false);
            rest = query with { Before = ids[^1] };
        }

        return (found, true);
    }

    private static bool IsMeant(IEnumerable<RecipientOutcome> outcomes, TraceFilter? filter) =>
        filter is not { } wanted || outcomes.Any(TraceStates.OutcomesOf(wanted).Contains);
}
