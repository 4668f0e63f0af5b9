using System.Net;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server;

/// <summary>
/// Counts the connections of each address, or /64 of IPv6, and all that are open, where the last places are kept for known clients
/// (DESIGN §10). The MX port and the submission ports do not take each other's.
/// </summary>
internal sealed class ConnectionLimiter(IOptions<SmtpOptions> options, KnownClients known, TimeProvider clock)
{
    private readonly NetworkCounts counts = new(clock);
    private readonly Places mx = new();
    private readonly Places submission = new();

    /// <summary>Lets a connection in; dispose the result when it ends. Null means one too many: the client is told the refusal.</summary>
    public IDisposable? TryEnter(IPAddress address, SmtpListener listener, out SmtpReply refusal)
    {
        refusal = SmtpReply.TooManyConnections;
        var limits = options.Value;
        if (!limits.LimitLoopback && IPAddress.IsLoopback(address)) return Exempt.Instance;
        if (counts.TryEnter(address, limits.MaxConnectionsPerAddress, limits.MaxNewConnectionsPerMinute) is not { } counted) return null;

        var places = listener.IsSubmission ? submission : mx;
        if (places.TryTake(known.IsKnown(address) ? limits.MaxConnections : limits.MaxConnections - limits.ConnectionsForKnownClients) is { } place) return new Admission(counted, place);

        counted.Dispose();
        refusal = SmtpReply.NoPlace;
        return null;
    }

    private sealed class Admission(IDisposable counted, IDisposable place) : IDisposable
    {
        public void Dispose()
        {
            counted.Dispose();
            place.Dispose();
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
