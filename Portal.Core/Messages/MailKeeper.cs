using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;

namespace Portal.Core.Messages;

/// <summary>
/// Ends each hour what has been kept long enough: mailboxes past their grace, recoverable items after 14 days, tombstones after 60, content nobody refers to, forgotten
/// uploads. In turns of 500 rows, on one node; the uploads are each node's own. A step that two nodes run at once is harmless: what one took the other does not find.
/// </summary>
internal sealed partial class MailKeeper(MailboxEnder mailboxes, MailRemover remover, ContentSweeper sweeper, UploadStore uploads, JobLeases leases, TimeProvider clock, ILogger<MailKeeper> logger) : BackgroundService
{
    internal const string Job = "mail.keep";

    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (uploads.Sweep() is > 0 and var forgotten) LogForgotten(logger, forgotten);
                await leases.RunAsync(Job, Pause, RunAsync, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, e);   // the catch-all of this loop: the next hour tries again
            }
        }
    }

    /// <summary>One round of everything that the nodes share.</summary>
    internal async Task RunAsync(CancellationToken cancel)
    {
        var (boxes, items, tombstones, messages) = (0, 0, 0, 0);
        while (await mailboxes.EndDueAsync(cancel) is > 0 and var gone) boxes += gone;
        while (await remover.PurgeAsync(cancel) is > 0 and var ended) items += ended;
        while (await remover.PurgeTombstonesAsync(cancel) is > 0 and var dropped) tombstones += dropped;
        for (long? cursor = 0; cursor is { } from;)
        {
            (cursor, var deleted) = await sweeper.SweepAsync(from, cancel);
            messages += deleted;
        }

        var blobs = await sweeper.SweepBlobsAsync(cancel);
        if (boxes + items + tombstones + messages + blobs > 0) LogDone(logger, boxes, items, tombstones, messages, blobs);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {Mailboxes} mailboxes, {Items} recoverable items, {Tombstones} tombstones, {Messages} messages nobody refers to and {Blobs} orphan blobs")]
    private static partial void LogDone(ILogger logger, int mailboxes, int items, int tombstones, int messages, int blobs);

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {Uploads} forgotten uploads")]
    private static partial void LogForgotten(ILogger logger, int uploads);

    [LoggerMessage(Level = LogLevel.Error, Message = "A round over old mail failed; the next hour tries again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
