using Microsoft.Extensions.Logging;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;

namespace Portal.Core.Messages;

/// <summary>
/// Ends each hour what has been kept long enough: mailboxes past their grace, recoverable items after 14 days, tombstones after 60, content nobody refers to, forgotten
/// uploads. In turns of 500 rows, on one node; the uploads are each node's own. A step that two nodes run at once is harmless: what one took the other does not find.
/// </summary>
internal sealed partial class MailKeeper(MailboxEnder mailboxes, MailRemover remover, ContentSweeper sweeper, UploadStore uploads, JobLeases leases, TimeProvider clock, ILogger<MailKeeper> logger)
    : LeasedJob("mail.keep", leases, clock, logger)
{
    internal override async Task RunAsync(CancellationToken cancel)
    {
        var boxes = await TurnsAsync(mailboxes.EndDueAsync, cancel);
        var items = await TurnsAsync(remover.PurgeAsync, cancel);
        var tombstones = await TurnsAsync(remover.PurgeTombstonesAsync, cancel);
        var messages = 0;
        for (long? cursor = 0; cursor is { } from;)
        {
            (cursor, var deleted) = await sweeper.SweepAsync(from, cancel);
            messages += deleted;
        }

        var blobs = await sweeper.SweepBlobsAsync(cancel);
        if (boxes + items + tombstones + messages + blobs > 0) LogDone(Logger, boxes, items, tombstones, messages, blobs);
    }

    protected override void TendOwn()
    {
        if (uploads.Sweep() is > 0 and var forgotten) LogForgotten(Logger, forgotten);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {Mailboxes} mailboxes, {Items} recoverable items, {Tombstones} tombstones, {Messages} messages nobody refers to and {Blobs} orphan blobs")]
    private static partial void LogDone(ILogger logger, int mailboxes, int items, int tombstones, int messages, int blobs);

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {Uploads} forgotten uploads")]
    private static partial void LogForgotten(ILogger logger, int uploads);
}
