using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Trace;

/// <summary>
/// The queue ids a query means, newest first. Each form is driven by one index that holds QueueId last, so that a page costs the
/// same with a million rows: (Term, QueueId), (Outcome, QueueId), or the key itself.
/// </summary>
internal static class TraceSelection
{
    public static IQueryable<Guid> Indexed(PortalDbContext db, TraceSearch search, TraceQuery query, TraceScope scope)
    {
        var ids = Driven(db, search, query, scope, out var isScoped);
        foreach (var queueId in search.QueueIds) ids = ids.Where(id => id == queueId);
        foreach (var alternatives in search.Terms.Skip(search.QueueIds.Count > 0 ? 0 : 1)) ids = ids.Where(id => db.TraceTerms.Any(t => alternatives.Contains(t.Term) && t.QueueId == id));
        if (!isScoped && scope.Terms is { } ours) ids = ids.Where(id => db.TraceTerms.Any(t => ours.Contains(t.Term) && t.QueueId == id));
        if (query.Filter is { } filter && search.Terms.Count > 0) ids = Filtered(db, ids, filter);
        if (query.Rule is { Length: > 0 } rule) ids = Decided(db, ids, rule);
        return InRange(ids, query).OrderByDescending(id => id);
    }

    /// <summary>Narrows to the query's time and page.</summary>
    public static IQueryable<Guid> InRange(IQueryable<Guid> ids, TraceQuery query)
    {
        if (query.From is { } from)
        {
            var lowest = TraceIds.LowestAt(from);
            ids = ids.Where(id => id >= lowest);
        }

        if (query.Until is { } until)
        {
            var beyond = TraceIds.LowestAt(until);
            ids = ids.Where(id => id < beyond);
        }

        return query.Before is { } before ? ids.Where(id => id < before) : ids;
    }

    /// <summary>The narrowest index there is for this query.</summary>
    private static IQueryable<Guid> Driven(PortalDbContext db, TraceSearch search, TraceQuery query, TraceScope scope, out bool isScoped)
    {
        isScoped = false;
        if (search.QueueIds.Count > 0) return WithFilter(db, db.Traces.Select(t => t.QueueId), query.Filter, search);
        if (search.Terms.Count > 0) return OfTerms(db, [.. search.Terms[0]]);
        if (query.Filter is null or TraceFilter.Delivered or TraceFilter.Relayed or TraceFilter.Received or TraceFilter.Sent && scope.Terms is { } ours)
        {
            isScoped = true;
            return WithFilter(db, OfTerms(db, ours), query.Filter, search);
        }

        return query.Filter switch
        {
            null => db.Traces.Select(t => t.QueueId),
            { } filter when TraceStates.OfTrace(filter) is { } isMeant => db.Traces.Where(isMeant).Select(t => t.QueueId),
            // What went well stands in no index by outcome: the key is walked. Of what went on elsewhere there may be little, so the walk is that
            // of the recipients, which the query's time narrows.
            TraceFilter.Delivered => Filtered(db, db.Traces.Select(t => t.QueueId), TraceFilter.Delivered),
            TraceFilter.Relayed => db.TraceRecipients.Where(r => r.Outcome == RecipientOutcome.Relayed).Select(r => r.QueueId).Distinct(),
            { } filter => OfOutcomes(db, filter),
        };
    }

    private static IQueryable<Guid> OfTerms(PortalDbContext db, IReadOnlyList<string> terms)
    {
        if (terms.Count != 1) return db.TraceTerms.Where(t => terms.Contains(t.Term)).Select(t => t.QueueId).Distinct();
        var term = terms[0];
        return db.TraceTerms.Where(t => t.Term == term).Select(t => t.QueueId);
    }

    // The very words of the partial index, without which SQLite may not use it; EF would fold two comparisons into one NOT IN.
    private static IQueryable<Guid> OfOutcomes(PortalDbContext db, TraceFilter filter)
    {
        var outcomes = TraceStates.OutcomesOf(filter);
        return db.TraceRecipients.FromSql($"""SELECT * FROM "TraceRecipient" WHERE "Outcome" <> 1 AND "Outcome" <> 9""")
            .Where(r => outcomes.Contains(r.Outcome))
            .Select(r => r.QueueId).Distinct();
    }

    private static IQueryable<Guid> WithFilter(PortalDbContext db, IQueryable<Guid> ids, TraceFilter? filter, TraceSearch search) =>
        filter is { } wanted && search.Terms.Count == 0 ? Filtered(db, ids, wanted) : ids;

    private static IQueryable<Guid> Filtered(PortalDbContext db, IQueryable<Guid> ids, TraceFilter filter)
    {
        if (TraceStates.OfTrace(filter) is { } isMeant)
        {
            var meant = db.Traces.Where(isMeant);
            return ids.Where(id => meant.Any(t => t.QueueId == id));
        }

        var outcomes = TraceStates.OutcomesOf(filter);
        return ids.Where(id => db.TraceRecipients.Any(r => r.QueueId == id && outcomes.Contains(r.Outcome)));
    }

    private static IQueryable<Guid> Decided(PortalDbContext db, IQueryable<Guid> ids, string rule) =>
        ids.Where(id => db.Traces.Any(t => t.QueueId == id && (t.Rule == rule || (t.Rule == null && db.TraceRecipients.Any(r => r.QueueId == id && r.Rule == rule)))));
}
