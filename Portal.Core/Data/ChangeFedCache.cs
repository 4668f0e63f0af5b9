using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Portal.Core.Data;

/// <summary>
/// A bounded cache whose entries end with the next change of an area, or after a second while hints can't arrive. Only what was found
/// is kept: a miss always asks the database. What was being read when a change came is used once and not kept.
/// </summary>
internal sealed class ChangeFedCache<TKey, TValue>
    where TKey : notnull
    where TValue : class
{
    private static readonly TimeSpan MaxAgeWithoutFeed = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<TKey, Entry> entries = new();
    private readonly ChangeFeed feed;
    private readonly TimeProvider clock;
    private readonly int maxEntries;
    private long generation;

    public ChangeFedCache(ChangeFeed feed, TimeProvider clock, Change area, int maxEntries)
    {
        (this.feed, this.clock, this.maxEntries) = (feed, clock, maxEntries);
        _ = feed.Subscribe((changed, _) =>
        {
            if (changed == area) Interlocked.Increment(ref generation);
        });   // lives as long as the process, like its owner
    }

    public ValueTask<TValue?> GetAsync(TKey key, Func<TKey, CancellationToken, Task<TValue?>> load, CancellationToken cancel) =>
        entries.TryGetValue(key, out var entry) && IsFresh(entry) ? new(entry.Value) : new(LoadAsync(key, load, cancel));

    /// <summary>What is kept and still right.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        value = entries.TryGetValue(key, out var entry) && IsFresh(entry) ? entry.Value : null;
        return value is not null;
    }

    private bool IsFresh(Entry entry) =>
        entry.Generation == Interlocked.Read(ref generation) && (feed.IsLive || clock.GetElapsedTime(entry.ReadAt) < MaxAgeWithoutFeed);

    private async Task<TValue?> LoadAsync(TKey key, Func<TKey, CancellationToken, Task<TValue?>> load, CancellationToken cancel)
    {
        var (before, readAt) = (Interlocked.Read(ref generation), clock.GetTimestamp());
        var value = await load(key, cancel);
        if (value is null) return null;
        if (entries.Count >= maxEntries) entries.Clear();
        entries[key] = new(value, before, readAt);
        return value;
    }

    private sealed record Entry(TValue Value, long Generation, long ReadAt);
}
