using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Queue;

namespace Portal.Smtp.Delivery;

/// <summary>
/// Works the queue off: looks for due entries when it hears of some and every few seconds, and gives each destination workers of its
/// own, more while it answers, one while it does not. A slow destination holds its own share of the connections and no more (DESIGN §4),
/// many slow ones together hold half of them, and a quarter is for those that answered last; what stays here needs none.
/// </summary>
internal sealed partial class QueueRunner(
    MailQueue queue, Courier courier, Dialler dialler, ChangeFeed feed, IOptions<DeliveryOptions> options, TimeProvider clock, ILogger<QueueRunner> logger) : BackgroundService
{
    /// <summary>Entries a worker claims at a time.</summary>
    private const int ClaimSize = 20;

    /// <summary>Steps of <see cref="MailQueue.MaxKeysPerLook"/> destinations; places that are kept for good ones make no look go through a crowd of dead ones whole.</summary>
    private const int MaxPartsPerLook = 10;

    private const int MaxRemembered = 10_000;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    private readonly Dictionary<string, Destination> destinations = [];
    private readonly ConcurrentDictionary<Task, bool> workers = [];
    private readonly Lock sync = new();
    private readonly WakeSignal wake = new();
    private readonly CancellationTokenSource abort = new();
    private readonly int[] places = new int[3];   // connections in use, by standing
    private string lookBehind = "";
    private volatile bool othersWait;

    /// <summary>Connections in use now.</summary>
    public int Running
    {
        get
        {
            lock (sync) return places.Sum();
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        var ending = Task.WhenAll(workers.Keys);
        try
        {
            await ending.WaitAsync(Grace, clock, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            await abort.CancelAsync();   // their entries are given back
            await ending;
        }
    }

    public override void Dispose()
    {
        wake.Dispose();
        abort.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var hints = feed.Subscribe((area, _) =>
        {
            if (area is Change.Queue or Change.Routes) wake.Wake();
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
                await WaitAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogLookFailed(logger, e);   // the database is away
                await Task.Delay(LookEvery, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task WaitAsync(CancellationToken stop)
    {
        using var timer = new CancellationTokenSource(LookEvery, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stop);
        try
        {
            await wake.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Time to look.
        }
    }

    /// <summary>Starts workers for what is due, some destinations at a look, until all were looked at or no connection is free: then the next look goes on there, and each has its turn.</summary>
    private async Task LookAsync(CancellationToken stop)
    {
        var (beganBehind, parts) = (lookBehind, 0);
        do
        {
            var look = await queue.DueAsync(Busy(), lookBehind, options.Value.MaxConnectionsPerDestination * ClaimSize, stop);
            StartWorkers(look.Destinations, stop);
            lookBehind = look.Next ?? "";
            othersWait = Running >= options.Value.MaxConnections && look.Destinations.Count > 0;
        }
        while (lookBehind.Length > 0 && ++parts < MaxPartsPerLook && !othersWait && !stop.IsCancellationRequested);

        if (beganBehind.Length > 0 && lookBehind.Length == 0) wake.Wake();   // those before it have not been looked at
    }

    /// <summary>The longest waiting destination first, one more worker each round, so that none takes all.</summary>
    private void StartWorkers(IReadOnlyList<DueDestination> due, CancellationToken stop)
    {
        var started = true;
        while (started && !stop.IsCancellationRequested)
        {
            started = false;
            foreach (var destination in due) started |= TryStart(destination, stop);
        }
    }

    private List<string> Busy()
    {
        lock (sync) return [.. destinations.Where(d => d.Value.Workers >= d.Value.Limit || d.Value.RestUntil > clock.GetUtcNow()).Select(d => d.Key)];
    }

    private bool TryStart(DueDestination due, CancellationToken stop)
    {
        lock (sync)
        {
            if (!destinations.TryGetValue(due.RouteKey, out var destination)) destinations[due.RouteKey] = destination = new(isLocal: due.RouteKey == QueueEntry.LocalRouteKey);
            if (!HasPlace(destination)) return false;
            if (destination.Workers >= destination.Limit || destination.Workers * ClaimSize >= due.Count || destination.RestUntil > clock.GetUtcNow()) return false;

            Count(destination, 1);
        }

        var worker = Task.Run(() => WorkAsync(due.RouteKey, stop), CancellationToken.None);
        workers[worker] = true;
        worker.ContinueWith(ended => workers.TryRemove(ended, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return true;
    }

    /// <summary>
    /// Whether one more connection may be made there. Anybody can have mail sent to many servers of their own that take a connection and
    /// say nothing: they may not use up all places, or nothing would leave.
    /// </summary>
    private bool HasPlace(Destination destination)
    {
        if (destination.IsLocal) return true;   // it has one worker and no connection
        var all = options.Value.MaxConnections;
        if (places.Sum() >= all) return false;
        if (destination.Standing == Standing.Answering) return true;

        var kept = all == 1 ? 0 : Math.Max(1, all / 4);
        var slow = places[(int)Standing.Slow];
        return slow + places[(int)Standing.Unknown] < all - kept && (destination.Standing == Standing.Unknown || slow < Math.Max(1, all - (2 * kept)));
    }

    private void Count(Destination destination, int workers)
    {
        destination.Workers += workers;
        if (!destination.IsLocal) places[(int)destination.Standing] += workers;
    }

    private async Task WorkAsync(string routeKey, CancellationToken stop)
    {
        try
        {
            await using var line = new CourierLine(dialler, options.Value.MaxMessagesPerConnection);
            while (!stop.IsCancellationRequested)
            {
                var claimed = await queue.ClaimAsync(routeKey, ClaimSize, CancellationToken.None);   // a claim is answered or never made: a half one would be nobody's
                if (claimed.Count == 0) break;
                try
                {
                    await courier.DeliverAsync(claimed, line, stop, abort.Token);
                }
                finally
                {
                    queue.Forget(claimed);
                }

                Adapt(routeKey, line);
                if (line.IsDown || (othersWait && IsSharing(routeKey))) break;
            }
        }
        catch (Exception e)
        {
            LogWorkerFailed(logger, routeKey, e);
            Rest(routeKey);
        }
        finally
        {
            End(routeKey);
            wake.Wake();
        }
    }

    /// <summary>One more connection for a destination that takes mail, a single one for one that can't be reached; and one worker for what stays here, whose pieces then come one a commit.</summary>
    private void Adapt(string routeKey, CourierLine line)
    {
        lock (sync)
        {
            var destination = destinations[routeKey];
            destination.Limit = !line.IsDown && !destination.IsLocal ? Math.Min(destination.Limit + 1, options.Value.MaxConnectionsPerDestination) : 1;
            if (destination.IsLocal) return;

            var standing = line.IsSlow ? Standing.Slow : line.IsDown ? Standing.Unknown : line.HasAnswered ? Standing.Answering : destination.Standing;
            places[(int)destination.Standing] -= destination.Workers;
            places[(int)standing] += destination.Workers;
            destination.Standing = standing;
        }
    }

    private bool IsSharing(string routeKey)
    {
        lock (sync) return destinations[routeKey].Workers > 1;
    }

    private void Rest(string routeKey)
    {
        lock (sync) destinations[routeKey].RestUntil = clock.GetUtcNow() + LookEvery;
    }

    private void End(string routeKey)
    {
        lock (sync)
        {
            Count(destinations[routeKey], -1);
            if (destinations.Count > MaxRemembered) ForgetIdle(d => d.Standing != Standing.Answering);   // those that answer are worth most
            if (destinations.Count > MaxRemembered) ForgetIdle(_ => true);
        }
    }

    private void ForgetIdle(Func<Destination, bool> which)
    {
        foreach (var (key, _) in destinations.Where(d => d.Value.Workers == 0 && which(d.Value)).ToList()) destinations.Remove(key);
    }

    /// <summary>What the last try told of a destination.</summary>
    private enum Standing
    {
        /// <summary>Nothing yet, or that it was not to be reached, which took no time.</summary>
        Unknown,
        Answering,

        /// <summary>It let us wait until the time was over.</summary>
        Slow,
    }

    private sealed class Destination(bool isLocal)
    {
        public bool IsLocal => isLocal;

        public Standing Standing { get; set; }

        public int Workers { get; set; }

        public int Limit { get; set; } = 1;

        /// <summary>After a fault of ours: not before then.</summary>
        public DateTimeOffset RestUntil { get; set; }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The queue could not be looked at; trying again")]
    private static partial void LogLookFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "A worker for {RouteKey} failed")]
    private static partial void LogWorkerFailed(ILogger logger, string routeKey, Exception exception);
}
