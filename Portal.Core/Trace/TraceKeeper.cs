using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Jobs;

namespace Portal.Core.Trace;

/// <summary>Ends each hour, on one node, what of the trace has been kept long enough: content facts first, whole messages later (DESIGN §8).</summary>
internal sealed partial class TraceKeeper(TraceRemover remover, JobLeases leases, IOptions<TraceOptions> options, TimeProvider clock, ILogger<TraceKeeper> logger) : BackgroundService
{
    internal const string Job = "trace.keep";

    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await leases.RunAsync(Job, Pause, RunAsync, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, e);   // the catch-all of this loop: the next hour tries again
            }
        }
    }

    /// <summary>One round. Between two turns it rests as long as the turn took: mail goes first.</summary>
    internal async Task RunAsync(CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var weeks = await remover.DropWeeksAsync(now - options.Value.KeepFor, cancel);
        var rows = await TurnsAsync(stop => remover.RemoveAsync(now - options.Value.KeepFor, stop), cancel);
        var facts = await TurnsAsync(stop => remover.ForgetContentAsync(now - options.Value.KeepContentFactsFor, stop), cancel);
        if (weeks + rows + facts > 0) LogDone(logger, weeks, rows, facts);
    }

    private async Task<int> TurnsAsync(Func<CancellationToken, Task<int>> turn, CancellationToken cancel)
    {
        var sum = 0;
        while (true)
        {
            var begun = clock.GetTimestamp();
            var rows = await turn(cancel);
            if (rows == 0) return sum;
            sum += rows;
            await Task.Delay(clock.GetElapsedTime(begun), clock, cancel);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {Weeks} weekly partitions and {Rows} rows of old trace, and looked through {Events} events for content facts")]
    private static partial void LogDone(ILogger logger, int weeks, int rows, int events);

    [LoggerMessage(Level = LogLevel.Error, Message = "Old trace could not be removed; the next hour tries again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
