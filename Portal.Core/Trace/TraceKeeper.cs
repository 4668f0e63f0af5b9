using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Jobs;

namespace Portal.Core.Trace;

/// <summary>Ends each hour, on one node, what of the trace has been kept long enough: content facts first, whole messages later (DESIGN §8).</summary>
internal sealed partial class TraceKeeper(TraceRemover remover, JobLeases leases, IOptions<TraceOptions> options, TimeProvider clock, ILogger<TraceKeeper> logger)
    : LeasedJob("trace.keep", leases, clock, logger)
{
    internal override async Task RunAsync(CancellationToken cancel)
    {
        var now = Clock.GetUtcNow();
        var weeks = await remover.DropWeeksAsync(now - options.Value.KeepFor, cancel);
        var rows = await TurnsAsync(stop => remover.RemoveAsync(now - options.Value.KeepFor, stop), cancel);
        var facts = await TurnsAsync(stop => remover.ForgetContentAsync(now - options.Value.KeepContentFactsFor, stop), cancel);
        if (weeks + rows + facts > 0) LogDone(Logger, weeks, rows, facts);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {Weeks} weekly partitions and {Rows} rows of old trace, and looked through {Events} events for content facts")]
    private static partial void LogDone(ILogger logger, int weeks, int rows, int events);
}
