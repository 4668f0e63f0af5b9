using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Portal.Smtp.Server;

/// <summary>Counts the connections of each address, or /64 of IPv6: how many are open and how many were new in this minute (DESIGN §10).</summary>
internal sealed class ConnectionLimiter(IOptions<SmtpOptions> options, TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<IPAddress, Count> counts = new();
    private long sweptAt = clock.GetTimestamp();

    /// <summary>Lets a connection in; dispose the result when it ends. Null means one too many.</summary>
    public IDisposable? TryEnter(IPAddress address)
    {
        if (!options.Value.LimitLoopback && IPAddress.IsLoopback(address)) return Exempt.Instance;
        Sweep();
        var network = NetworkOf(address);
        while (true)
        {
            var count = counts.GetOrAdd(network, static _ => new Count());
            lock (count)
            {
                if (count.IsRemoved) continue;
                if (clock.GetElapsedTime(count.WindowStart) >= Window) (count.WindowStart, count.New) = (clock.GetTimestamp(), 0);
                if (count.Open >= options.Value.MaxConnectionsPerAddress || count.New >= options.Value.MaxNewConnectionsPerMinute) return null;
                count.Open++;
                count.New++;
                return new Admission(count);
            }
        }
    }

    // An IPv6 host has a whole /64 to choose addresses from.
    private static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out _);
        octets[8..].Clear();
        return new IPAddress(octets);
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

    private sealed class Admission(Count count) : IDisposable
    {
        private int isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isLeft, 1) == 1) return;
            lock (count) count.Open--;
        }
    }

    private sealed class Exempt : IDisposable
    {
        public static readonly Exempt Instance = new();

        public void Dispose()
        {
        }
    }
}
