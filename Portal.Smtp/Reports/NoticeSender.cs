using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Alerts;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Core.Trace;

namespace Portal.Smtp.Reports;

/// <summary>
/// Puts the mails that owners are told by into their inboxes, past quota and rules: with the null reverse-path, and in one commit with the end
/// of the notice. What could not be written stays, and is tried again.
/// </summary>
internal sealed partial class NoticeSender(
    OwnerNoticeQueue notices, ContentSpoolFactory spools, MailWriter writer, ChangeFeed feed, IOptions<SmtpOptions> options, TimeProvider clock, ILogger<NoticeSender> logger) : BackgroundService
{
    private const string MadeRule = "notice.made";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);
    private readonly WakeSignal wake = new();

    /// <summary>Writes all that is pending, each alone: one that fails keeps no other back.</summary>
    public async Task RunPendingAsync(CancellationToken cancel)
    {
        var last = 0L;
        while (await notices.AfterAsync(last, cancel) is { Count: > 0 } page)
        {
            foreach (var pending in page)
                if (!await WriteAsync(pending, cancel)) return;   // there is no room now, for none of them
            last = page[^1].Notice.Id;
        }
    }

    public override void Dispose()
    {
        wake.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var hints = feed.Subscribe((area, _) =>
        {
            if (area == Change.Work) wake.Wake();
        });
        await using var period = clock.CreateTimer(_ => wake.Wake(), null, Pause, Pause);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunPendingAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, e);   // the catch-all of this loop: the next look tries again
            }

            await wake.WaitAsync(stoppingToken);
        }
    }

    /// <summary>False when the writer takes nothing now.</summary>
    private async Task<bool> WriteAsync(PendingNotice pending, CancellationToken cancel)
    {
        try
        {
            var queueId = Guid.CreateVersion7(clock.GetUtcNow());
            using var spool = spools.Create();
            await spool.WriteAsync(NoticeWriter.Write(pending, queueId, clock.GetUtcNow(), options.Value.HostName), cancel);
            using var content = await spool.CompleteAsync(cancel);
            var result = await writer.WriteAsync(AcceptanceOf(pending, queueId, content));
            if (result is WriteResult.Failed or WriteResult.Busy) LogWaits(logger, pending.Notice.Id, result);
            return result != WriteResult.Busy;
        }
        catch (Exception e) when (!cancel.IsCancellationRequested && !e.IsOutage())
        {
            LogUnwritten(logger, pending.Notice.Id, e);
            return true;
        }
    }

    private Acceptance AcceptanceOf(PendingNotice pending, Guid queueId, MailContent content)
    {
        var at = clock.GetUtcNow();
        return OwnMail.Of(queueId, content, TraceSource.Notice, MadeRule, options.Value.HostName, at) with
        {
            Deliveries = [new LocalDelivery(pending.Notice.MailboxId, SpecialUse.Inbox, MailFlags.None, 0)],
            Recipients = [new TraceRecipient { QueueId = queueId, Index = 0, Recipient = pending.Address, Outcome = RecipientOutcome.Delivered, Rule = MadeRule, UpdatedAt = at }],
            Precondition = OwnerNoticeQueue.End(pending.Notice),
        };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Notice {NoticeId} to the owner of a mailbox could not be stored ({Result}); it is tried again")]
    private static partial void LogWaits(ILogger logger, long noticeId, WriteResult result);

    [LoggerMessage(Level = LogLevel.Error, Message = "Notice {NoticeId} to the owner of a mailbox could not be written; it is tried again")]
    private static partial void LogUnwritten(ILogger logger, long noticeId, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Notices to the owners of mailboxes could not be written; they are tried again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
