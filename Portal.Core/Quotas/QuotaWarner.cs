using Microsoft.EntityFrameworkCore;
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
internal sealed class QuotaWarner(IDbContextFactory<PortalDbContext> databases, WriteGate gate, JobLeases leases, TimeProvider clock, ILogger<QuotaWarner> logger)
    : LeasedJob("quotas.warn", leases, clock, logger, TimeSpan.FromMinutes(5))
{
    /// <summary>Most mailboxes of a turn.</summary>
    internal const int MaxRows = 100;

    private const int First = 80;
    private const int Last = 95;

    /// <summary>How far below a mark it must fall before passing it is told again: at its edge, one letter more or less says nothing.</summary>
    private const int Slack = 5;
    /// <summary>One round: turns until nothing has passed a mark.</summary>
    internal override async Task RunAsync(CancellationToken cancel) => await TurnsAsync(TurnAsync, cancel);

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
                db.OwnerNotices.Add(new OwnerNotice { MailboxId = use.MailboxId, Kind = OwnerNoticeKind.Quota, At = Clock.GetUtcNow(), UsedBytes = use.Bytes, QuotaBytes = use.QuotaBytes });
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
        let last = use.WarnedPercent >= Last ? Last - Slack : Last
        let first = use.WarnedPercent >= First ? First - Slack : First
        let mark = quota == 0 || use.Bytes < quota / 100 * first ? 0 : use.Bytes < quota / 100 * last ? First : Last
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
}
