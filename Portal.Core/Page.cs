using Microsoft.EntityFrameworkCore;

namespace Portal.Core;

/// <summary>One page of a list and how many rows the whole list has.</summary>
/// <param name="Rows">At most as many as were asked for.</param>
/// <param name="Total">Rows in all, counted up to <see cref="Paging.CountLimit"/>.</param>
/// <param name="IsTotalExact">False when there are more than <see cref="Paging.CountLimit"/> rows.</param>
public sealed record Page<T>(IReadOnlyList<T> Rows, int Total, bool IsTotalExact);

/// <summary>How lists are cut and counted (PORTAL §4).</summary>
public static class Paging
{
    /// <summary>Lists are counted exactly up to here, and paged no deeper: both cost the same with a million rows.</summary>
    public const int CountLimit = 10_000;

    /// <summary>Most rows a page may ask for (DESIGN §1: a page holds at most 200).</summary>
    public const int MaxTake = 200;

    /// <summary>The number of rows a list starts with.</summary>
    public const int DefaultTake = 50;

    /// <summary>Counts <paramref name="matching"/> up to the limit and reads one page of <paramref name="ordered"/>: two queries, each bounded.</summary>
    /// <param name="matching">The rows that match, in the cheapest form that can be counted.</param>
    /// <param name="ordered">The same rows in order and in the shape to show.</param>
    public static Task<Page<TRow>> ToPageAsync<TCounted, TRow>(this IQueryable<TCounted> matching, IQueryable<TRow> ordered, int skip, int take, CancellationToken cancel) =>
        matching.ToPageAsync(ordered.Cut(skip, take), cancel);

    /// <summary>Counts <paramref name="matching"/> up to the limit and reads <paramref name="page"/>, which was cut before it was shaped: on PostgreSQL what a shape looks up would be looked up for the skipped rows too.</summary>
    public static async Task<Page<TRow>> ToPageAsync<TCounted, TRow>(this IQueryable<TCounted> matching, IQueryable<TRow> page, CancellationToken cancel)
    {
        var total = await matching.Take(CountLimit + 1).CountAsync(cancel);
        var rows = total == 0 ? [] : await page.ToListAsync(cancel);
        return new(rows, Math.Min(total, CountLimit), total <= CountLimit);
    }

    /// <summary>One page of rows in order, within the bounds of every list.</summary>
    public static IQueryable<T> Cut<T>(this IQueryable<T> ordered, int skip, int take) =>
        ordered.Skip(Math.Clamp(skip, 0, CountLimit)).Take(Math.Clamp(take, 1, MaxTake));
}
