using System.Net;
using Portal.Core.Addresses;

namespace Portal.Smtp.Receiving;

/// <summary>
/// How many messages of a stranger's network may ask to be reported (RFC 3461 NOTIFY). Who sends them may be forged until SPF tells:
/// a flood of reports to somebody who never wrote would be ours.
/// </summary>
internal sealed class ReceiptAllowance(TimeProvider clock)
{
    /// <summary>Messages an hour and network.</summary>
    public const int Hourly = 20;

    /// <summary>Messages an hour of all networks together.</summary>
    public const int HourlyInAll = 300;

    private static readonly TimeSpan Span = TimeSpan.FromHours(1);
    private readonly Dictionary<string, int> taken = new(StringComparer.Ordinal);
    private readonly Lock turn = new();
    private long began = clock.GetTimestamp();
    private int all;

    /// <summary>Takes one; false when this hour's are spent.</summary>
    public bool Take(IPAddress client)
    {
        lock (turn)
        {
            if (clock.GetElapsedTime(began) >= Span)
            {
                taken.Clear();
                (began, all) = (clock.GetTimestamp(), 0);
            }

            var network = Networks.Of(client);
            var count = taken.GetValueOrDefault(network);
            if (all >= HourlyInAll || count >= Hourly) return false;
            all++;
            taken[network] = count + 1;
            return true;
        }
    }
}
