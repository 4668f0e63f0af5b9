using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Portal.Core.Messages;

/// <summary>
/// Ends each hour what has been kept long enough: recoverable items after 14 days, tombstones after 60, content nobody refers to, forgotten
/// uploads. In turns of 500 rows. Every step may run on several nodes at once: what one took the other does not find.
/// </summary>
internal sealed partial class MailKeeper(MailRemover remover, ContentSweeper sweeper, UploadStore uploads, TimeProvider clock, ILogger<MailKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, e);   // the catch-all of this loop: the next hour tries again
            }
        }
    }

    /// <summary>One round of everything.</summary>
    internal async Task RunAsync(CancellationToken cancel)
    {
        var (items, tombstones, messages) = (0, 0, 0);
        while (await remover.PurgeAsync(cancel) is > 0 and var ended) items += ended;
        while (await remover.PurgeTombstonesAsync(cancel) is > 0 and var dropped) tombstones += dropped;
        for (long? cursor = 0; cursor is { } from;)
        {
            (cursor, var deleted) = await sweeper.SweepAsync(from, cancel);
            messages += deleted;
        }

        var blobs = await sweeper.SweepBlobsAsync(cancel);
        var forgotten = uploads.Sweep();
        if (items + tombstones + messages + blobs + forgotten > 0) LogDone(logger, items, tombstones, messages, blobs, forgotten);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {Items} recoverable items, {Tombstones} tombstones, {Messages} messages nobody refers to, {Blobs} orphan blobs and {Uploads} uploads")]
    private static partial void LogDone(ILogger logger, int items, int tombstones, int messages, int blobs, int uploads);

    [LoggerMessage(Level = LogLevel.Error, Message = "A round over old mail failed; the next hour tries again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
