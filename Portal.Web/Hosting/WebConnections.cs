using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;

namespace Portal.Web.Hosting;

/// <summary>
/// Bounds the connections to the web ports, so that a stranger who opens many neither uses up the process nor keeps out those who have
/// signed in before. Kestrel's own limit knows nobody, and would count the mail ports too.
/// </summary>
public sealed partial class WebConnections(IOptions<WebOptions> options, IOptions<HostingOptions> hosting, TimeProvider clock, ILogger<WebConnections> logger)
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);
    private readonly NetworkCounts counts = new(clock);
    private readonly Places places = new();
    private readonly KnownClients known = new(clock);
    private readonly Proxies proxies = new(hosting.Value.Web.TrustedProxies);
    private long refused;
    private long toldAt = clock.GetTimestamp() - clock.TimestampFrequency * (long)TellEvery.TotalSeconds;

    /// <summary>Somebody who is signed in came from there: room is kept for their network from now on.</summary>
    public void Remember(IPAddress client) => known.Remember(client);

    /// <summary>The outermost part of a web endpoint.</summary>
    internal ConnectionDelegate Bound(ConnectionDelegate next) => async connection =>
    {
        var client = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (!options.Value.LimitLoopback && IPAddress.IsLoopback(client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client))
        {
            await next(connection);
            return;
        }

        var isProxy = proxies.Contains(client);
        var isKnown = isProxy || known.IsKnown(client);
        // Behind a known address a whole office may sit, but no single one takes the room of all others.
        var most = isProxy ? int.MaxValue : isKnown ? Math.Max(options.Value.MaxConnectionsPerAddress, options.Value.MaxConnections / 4) : options.Value.MaxConnectionsPerAddress;
        using var counted = counts.TryEnter(client, most, isKnown ? int.MaxValue : options.Value.MaxNewConnectionsPerMinute);
        using var place = counted is null ? null : places.TryTake(options.Value.MaxConnections - (isKnown ? 0 : options.Value.ConnectionsForKnownClients));
        if (place is not null) await next(connection);
        else Refuse(connection, client);
    };

    private void Refuse(ConnectionContext connection, IPAddress client)
    {
        connection.Abort(new ConnectionAbortedException("Too many connections."));
        var count = Interlocked.Increment(ref refused);
        var last = Volatile.Read(ref toldAt);
        if (clock.GetElapsedTime(last) >= TellEvery && Interlocked.CompareExchange(ref toldAt, clock.GetTimestamp(), last) == last) LogRefused(logger, client, count);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A web connection from {Client} was closed: too many are open ({Count} closed since the start)")]
    private static partial void LogRefused(ILogger logger, IPAddress client, long count);
}
