using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Alerts;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;

namespace Portal.Core.Quotas;

/// <summary>
/// Tells owners that their mailbox is nearly full: once when it passes 80 %, once at 95 %, and again only after it was below. Looked at every
/// few minutes on one node, so that a delivery pays nothing for it.
/// </summary>
internal sealed partial class QuotaWarner(IDbContextFactory<PortalDbContext> databases, WriteGate gate, JobLeases leases, TimeProvider clock, ILogger<QuotaWarner> logger) : BackgroundService
{
    /// <summary>Most mailboxes of a turn.</summary>
    internal const int MaxRows = 100;

    private const int First = 80;
    private const int Last = 95;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(5);

    /// <summary>One round: turns until nothing has passed a mark.</summary>
    internal async Task RunAsync(CancellationToken cancel)
    {
        while (await TurnAsync(cancel) == MaxRows) { }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await leases.RunAsync("quotas.warn", Every, RunAsync, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, e);   // the catch-all of this loop: the next round tries again
            }
        }
    }

    private async Task<int> TurnAsync(CancellationToken cancel)
    {
        await using var look = await databases.CreateDbContextAsync(cancel);
        var passed = await Passed(look).OrderBy(p => p.MailboxId).Take(MaxRows).ToListAsync(cancel);
        if (passed.Count == 0) return 0;

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        foreach (var use in passed)
        {
            // Conditional on what was read: a mark is passed once. The rows are taken in ascending id, as mail takes them (DESIGN §5).
            var isOurs = await db.MailboxUses.Where(u => u.MailboxId == use.MailboxId && u.WarnedPercent == use.WarnedPercent)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.WarnedPercent, use.Mark), cancel) == 1;
            if (isOurs && use.Mark > use.WarnedPercent)
                db.OwnerNotices.Add(new OwnerNotice { MailboxId = use.MailboxId, Kind = OwnerNoticeKind.Quota, At = clock.GetUtcNow(), UsedBytes = use.Bytes, QuotaBytes = use.QuotaBytes });
        }

        db.Raise(Change.Work);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return passed.Count;
    }

    /// <summary>Mailboxes whose mark is another than the one they were last told of. Divided first: the largest quota times a hundred is no number of 64 bits.</summary>
    private static IQueryable<Passing> Passed(PortalDbContext db) =>
        from use in db.MailboxUses.AsNoTracking()
        join mailbox in db.Mailboxes on use.MailboxId equals mailbox.Id
        where mailbox.State != MailboxState.Deleted
        let quota = mailbox.QuotaOverrideBytes ?? 0
        let mark = quota == 0 || use.Bytes < quota / 100 * First ? 0 : use.Bytes < quota / 100 * Last ? First : Last
        where mark != use.WarnedPercent
        select new Passing { MailboxId = use.MailboxId, Bytes = use.Bytes, QuotaBytes = quota, WarnedPercent = use.WarnedPercent, Mark = mark };

    private sealed class Passing
    {
        public required Guid MailboxId { get; init; }

        public required long Bytes { get; init; }

        public required long QuotaBytes { get; init; }

        public required int WarnedPercent { get; init; }

        public required int Mark { get; init; }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Mailboxes that are nearly full could not be looked for; the next round tries again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
