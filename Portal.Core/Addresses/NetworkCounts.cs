using System.Collections.Concurrent;
using System.Net;

namespace Portal.Core.Addresses;

/// <summary>Counts the connections of each network (<see cref="Networks"/>): how many are open and how many were new in this minute.</summary>
public sealed class NetworkCounts(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Count> counts = new();
    private long sweptAt = clock.GetTimestamp();

    /// <summary>Counts a connection; dispose the result when it ends. Null means one too many.</summary>
    public IDisposable? TryEnter(IPAddress address, int maxOpen, int maxNewPerMinute)
    {
        Sweep();
        var network = Networks.Of(address);
        while (true)
        {
            var count = counts.GetOrAdd(network, static _ => new Count());
            lock (count)
            {
                if (count.IsRemoved) continue;
                if (clock.GetElapsedTime(count.WindowStart) >= Window) (count.WindowStart, count.New) = (clock.GetTimestamp(), 0);
                if (count.Open >= maxOpen || count.New >= maxNewPerMinute) return null;
                count.Open++;
                count.New++;
                return new Entry(count);
            }
        }
    }

    private void Sweep()
    {
        var last = Volatile.Read(ref sweptAt);
        if (clock.GetElapsedTime(last) < Window || Interlocked.CompareExchange(ref sweptAt, clock.GetTimestamp(), last) != last) return;
        foreach (var (network, count) in counts)
        {
            lock (count)
            {
                if (count.Open > 0 || clock.GetElapsedTime(count.WindowStart) < Window) continue;
                count.IsRemoved = true;
                counts.TryRemove(network, out _);
            }
        }
    }

    private sealed class Count
    {
        public int Open { get; set; }

        public int New { get; set; }

        public long WindowStart { get; set; }

        public bool IsRemoved { get; set; }
    }

    private sealed class Entry(Count count) : IDisposable
    {
        private int isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isLeft, 1) == 1) return;
            lock (count) count.Open--;
        }
    }
}

/// <summary>How many of a thing are taken, with a bound that may differ from one asker to the next: the last places are kept for some.</summary>
public sealed class Places
{
    private int taken;

    /// <summary>Takes a place; dispose the result to give it back. Null when <paramref name="max"/> are taken.</summary>
    public IDisposable? TryTake(int max)
    {
        if (Interlocked.Increment(ref taken) <= max) return new Place(this);
        Interlocked.Decrement(ref taken);
        return null;
    }

    private sealed class Place(Places places) : IDisposable
    {
        private int isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isLeft, 1) == 0) Interlocked.Decrement(ref places.taken);
        }
    }
}
