using System.Collections.Concurrent;
using System.Net;

namespace Portal.Core.Addresses;

/// <summary>Networks from which somebody has signed in or delivered a message within a month, since the start: room is kept for them (DESIGN §10).</summary>
public sealed class KnownClients(TimeProvider clock)
{
    /// <summary>Networks remembered; beyond, the fifth that came least lately is forgotten.</summary>
    public const int MaxRemembered = 50_000;

    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(30);
    private readonly ConcurrentDictionary<string, long> seenAt = new();

    public void Remember(IPAddress client)
    {
        var network = Networks.Of(client);
        if (!seenAt.ContainsKey(network) && seenAt.Count >= MaxRemembered)
        {
            foreach (var (old, _) in seenAt.ToArray().OrderBy(s => s.Value).Take(MaxRemembered / 5)) seenAt.TryRemove(old, out _);
        }

        seenAt[network] = clock.GetTimestamp();
    }

    public bool IsKnown(IPAddress client) => seenAt.TryGetValue(Networks.Of(client), out var at) && clock.GetElapsedTime(at) < Forgotten;
}
