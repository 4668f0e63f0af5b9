namespace Portal.Core.Queue;

/// <summary>A try to connect to another server.</summary>
/// <param name="Host">Its name.</param>
/// <param name="IsReached">Whether a connection came about, whatever was said over it.</param>
/// <param name="Problem">What the network said; null when reached.</param>
public sealed record ConnectionTry(string Host, bool IsReached, string? Problem, DateTimeOffset At);

/// <summary>Whether mail can leave at all.</summary>
/// <param name="IsBlocked">Several unrelated servers in a row could not be reached and none could: most likely something between here and the Internet blocks the port.</param>
/// <param name="Port">The port that was tried, 25 unless set otherwise.</param>
/// <param name="Recent">The last tries, newest first.</param>
public sealed record DeliveryStatus(bool IsBlocked, int Port, IReadOnlyList<ConnectionTry> Recent);

/// <summary>What this process's courier last saw of the network; only connections to servers that MX named count, smart hosts have ports of their own.</summary>
public sealed class DeliveryHealth(TimeProvider clock)
{
    /// <summary>So many different hosts must fail before the port is blamed: a single one may just be down.</summary>
    public const int HostsToBlame = 3;

    private const int MaxKept = 50;
    private static readonly TimeSpan Relevant = TimeSpan.FromHours(24);
    private readonly Lock sync = new();
    private readonly Queue<ConnectionTry> recent = new();
    private int lastPort = 25;

    public void Record(string host, int port, bool isReached, string? problem)
    {
        lock (sync)
        {
            lastPort = port;
            recent.Enqueue(new(host, isReached, problem, clock.GetUtcNow()));
            if (recent.Count > MaxKept) recent.Dequeue();
        }
    }

    public DeliveryStatus Status()
    {
        lock (sync)
        {
            var since = clock.GetUtcNow() - Relevant;
            ConnectionTry[] newest = [.. recent.Where(t => t.At >= since).Reverse()];
            var failedHosts = newest.TakeWhile(t => !t.IsReached).Select(t => t.Host).Distinct(StringComparer.OrdinalIgnoreCase).Count();
            return new(failedHosts >= HostsToBlame, lastPort, newest);
        }
    }
}
