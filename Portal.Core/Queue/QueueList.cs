using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Queue;

/// <summary>
/// Reads a page of the queue. Up to <see cref="Paging.CountLimit"/> matching entries are sorted; where more match, which is after a large
/// outage, the page is read from an index in order, and only the next try and the age have one: each further index would be paid for by
/// every message that leaves.
/// </summary>
internal static class QueueList
{
    private const string ById = """SELECT * FROM "QueueEntry" NOT INDEXED""";
    private const string ByNextAttempt = """SELECT * FROM "QueueEntry" INDEXED BY "IX_QueueEntry_NextAttemptAt" """;

    private static readonly QueueState[] AllStates = Enum.GetValues<QueueState>();

    /// <param name="domains">Only what these sent; null means everything.</param>
    public static async Task<Page<QueueEntry>> ReadAsync(
        PortalDbContext db, QueueFilter filter, IReadOnlyList<string>? domains, QueueSort sort, bool descending, int skip, int take, CancellationToken cancel)
    {
        (skip, take) = (Math.Clamp(skip, 0, Paging.CountLimit), Math.Clamp(take, 1, Paging.MaxTake));
        var matching = Matching(db.QueueEntries, filter, domains);
        var total = await Indexable(matching, filter).Take(Paging.CountLimit + 1).CountAsync(cancel);
        if (total == 0) return new([], 0, true);

        var ordered = total <= Paging.CountLimit ? Sorted(Indexable(matching, filter), sort, descending) : InOrder(db, filter, domains, sort, descending);
        var rows = await ordered.Skip(skip).Take(take).ToListAsync(cancel);
        return new(rows, Math.Min(total, Paging.CountLimit), total <= Paging.CountLimit);
    }

    private static IQueryable<QueueEntry> Matching(IQueryable<QueueEntry> entries, QueueFilter filter, IReadOnlyList<string>? domains) =>
        filter.Apply(QueueActs.SentBy(entries.AsNoTracking(), domains));

    /// <summary>Terms that leave nothing out: they let the index of claims begin with the state, and the one of causes be used, which has only what failed before.</summary>
    private static IQueryable<QueueEntry> Indexable(IQueryable<QueueEntry> entries, QueueFilter filter)
    {
        if (filter is { RouteKey: not null, State: null }) entries = entries.Where(e => EF.Constant(AllStates).Contains(e.State));
        if (filter.Cause is not (null or DeferCause.None)) entries = entries.Where(e => e.Cause != DeferCause.None);
        return entries;
    }

    private static IQueryable<QueueEntry> InOrder(PortalDbContext db, QueueFilter filter, IReadOnlyList<string>? domains, QueueSort sort, bool descending)
    {
        if (sort == QueueSort.Age)
        {
            // The id is given at the commit that queues, moments after CreatedAt.
            var byId = Matching(From(db, ById), filter, domains);
            return descending ? byId.OrderBy(e => e.Id) : byId.OrderByDescending(e => e.Id);
        }

        descending &= sort == QueueSort.NextAttempt;
        var isClaimsOrder = filter is { State: not null, RouteKey: not null };   // the index of claims has just these in order
        var byNext = Matching(isClaimsOrder ? db.QueueEntries : From(db, ByNextAttempt), filter, domains);
        return descending ? byNext.OrderByDescending(e => e.NextAttemptAt).ThenByDescending(e => e.Id) : byNext.OrderBy(e => e.NextAttemptAt).ThenBy(e => e.Id);
    }

    // SQLite has no statistics here: it would take any index that begins with a term of the filter, and sort all it finds.
    private static IQueryable<QueueEntry> From(PortalDbContext db, string sqlite) => db.IsPostgres ? db.QueueEntries : db.QueueEntries.FromSqlRaw(sqlite);

    private static IQueryable<QueueEntry> Sorted(IQueryable<QueueEntry> entries, QueueSort sort, bool descending)
    {
        var sorted = (sort, descending) switch
        {
            (QueueSort.Age, false) => entries.OrderByDescending(e => e.CreatedAt),   // the youngest has the least age
            (QueueSort.Age, true) => entries.OrderBy(e => e.CreatedAt),
            (QueueSort.Recipient, false) => entries.OrderBy(e => e.ForwardPath),
            (QueueSort.Recipient, true) => entries.OrderByDescending(e => e.ForwardPath),
            (QueueSort.Sender, false) => entries.OrderBy(e => e.ReversePath),
            (QueueSort.Sender, true) => entries.OrderByDescending(e => e.ReversePath),
            (QueueSort.Destination, false) => entries.OrderBy(e => e.RouteKey),
            (QueueSort.Destination, true) => entries.OrderByDescending(e => e.RouteKey),
            (QueueSort.Attempts, false) => entries.OrderBy(e => e.Attempt),
            (QueueSort.Attempts, true) => entries.OrderByDescending(e => e.Attempt),
            (QueueSort.Size, false) => entries.OrderBy(e => e.SizeBytes),
            (QueueSort.Size, true) => entries.OrderByDescending(e => e.SizeBytes),
            (_, false) => entries.OrderBy(e => e.NextAttemptAt),
            (_, true) => entries.OrderByDescending(e => e.NextAttemptAt),
        };
        return sorted.ThenBy(e => e.Id);
    }
}
