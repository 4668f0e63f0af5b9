using Microsoft.EntityFrameworkCore;

namespace Portal.Core;

/// <summary>One page of a list and how many rows the whole list has.</summary>
/// <param name="Rows">At most as many as were asked for.</param>
/// <param name="Total">Rows in all, counted up to <see cref="Paging.CountLimit"/>.</param>
/// <param name="IsTotalExact">False when there are more than <see cref="Paging.CountLimit"/> rows.</param>
public sealed record Page<T>(IReadOnlyList<T> Rows, int Total, bool IsTotalExact);

/// <summary>What an act on many rows would be for.</summary>
/// <param name="Rows">Counted up to <see cref="Paging.CountLimit"/>.</param>
/// <param name="IsExact">False when there are more.</param>
public sealed record ActPreview(int Rows, bool IsExact);

/// <summary>How lists are cut and counted (PORTAL §4).</summary>
public static class Paging
{
    /// <summary>Lists are counted exactly up to here, and paged no deeper: both cost the same with a million rows.</summary>
    public const int CountLimit = 10_000;

    /// <summary>Most rows a page may ask for (DESIGN §1: a page holds at most 200).</summary>
    public const int MaxTake = 200;

    /// <summary>The number of rows a list starts with.</summary>
    public const int DefaultTake = 50;

    /// <summary>Reads one page of <paramref name="ordered"/>, shaped already, and counts <paramref name="matching"/> up to the limit.</summary>
    public static Task<Page<TRow>> ToPageAsync<T, TRow>(this IQueryable<T> matching, IQueryable<TRow> ordered, int skip, int take, CancellationToken cancel) =>
        ReadAsync(matching, ordered, rows => rows, skip, take, cancel);

    /// <summary>Reads one page of <paramref name="ordered"/> and counts <paramref name="matching"/> up to the limit.</summary>
    /// <param name="matching">The rows that match, in the cheapest form that can be counted.</param>
    /// <param name="ordered">The same rows in order.</param>
    /// <param name="shape">
    /// Turns rows that are cut already into what is shown. Not before the cut: on PostgreSQL what a shape looks up would be looked up
    /// for the skipped rows too.
    /// </param>
    public static Task<Page<TRow>> ToPageAsync<T, TRow>(
        this IQueryable<T> matching, IQueryable<T> ordered, Func<IQueryable<T>, IQueryable<TRow>> shape, int skip, int take, CancellationToken cancel) =>
        ReadAsync(matching, ordered, shape, skip, take, cancel);

    private static async Task<Page<TRow>> ReadAsync<T, TOrdered, TRow>(
        IQueryable<T> matching, IQueryable<TOrdered> ordered, Func<IQueryable<TOrdered>, IQueryable<TRow>> shape, int skip, int take, CancellationToken cancel)
    {
        (skip, take) = (Math.Clamp(skip, 0, CountLimit), Math.Clamp(take, 1, MaxTake));
        var rows = await shape(ordered.Skip(skip).Take(take)).ToListAsync(cancel);

        // A page that is not full tells the total: a search that must look through everything does it once.
        if (rows.Count < take && (rows.Count > 0 || skip == 0)) return new(rows, skip + rows.Count, true);
        var total = await matching.Take(CountLimit + 1).CountAsync(cancel);
        return new(rows, Math.Min(total, CountLimit), total <= CountLimit);
    }
}
