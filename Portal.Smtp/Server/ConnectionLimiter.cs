using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server;

/// <summary>
/// Counts the connections of each address, or /64 of IPv6: how many are open and how many were new in this minute; and all that are
/// open, where the last places are kept for known clients (DESIGN §10). The MX port and the submission ports do not take each other's.
/// </summary>
internal sealed class ConnectionLimiter(IOptions<SmtpOptions> options, KnownClients known, TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Count> counts = new();
    private readonly Total mx = new();
    private readonly Total submission = new();
    private long sweptAt = clock.GetTimestamp();

    /// <summary>Lets a connection in; dispose the result when it ends. Null means one too many: the client is told the refusal.</summary>
    public IDisposable? TryEnter(IPAddress address, SmtpListener listener, out SmtpReply refusal)
    {
        refusal = SmtpReply.TooManyConnections;
        if (!options.Value.LimitLoopback && IPAddress.IsLoopback(address)) return Exempt.Instance;
        if (TryCount(address) is not { } count) return null;
        var total = listener.IsSubmission ? submission : mx;
        var places = known.IsKnown(address) ? options.Value.MaxConnections : options.Value.MaxConnections - options.Value.ConnectionsForKnownClients;
        if (Interlocked.Increment(ref total.Open) <= places) return new Admission(count, total);

        Interlocked.Decrement(ref total.Open);
        lock (count) count.Open--;
        refusal = SmtpReply.NoPlace;
        return null;
    }

    private Count? TryCount(IPAddress address)
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
                if (count.Open >= options.Value.MaxConnectionsPerAddress || count.New >= options.Value.MaxNewConnectionsPerMinute) return null;
                count.Open++;
                count.New++;
                return count;
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

    private sealed class Total
    {
        public int Open;
    }

    private sealed class Admission(Count count, Total total) : IDisposable
    {
        private int isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isLeft, 1) == 1) return;
            lock (count) count.Open--;
            Interlocked.Decrement(ref total.Open);
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
