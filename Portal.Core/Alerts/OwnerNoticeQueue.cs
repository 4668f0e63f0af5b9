using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Messages;

namespace Portal.Core.Alerts;

/// <summary>A notice with what its mail needs to know of who reads it.</summary>
/// <param name="Address">The mailbox's primary address, folded.</param>
/// <param name="Language">Null where the owner chose none, or where there is no owner.</param>
/// <param name="TimeZone">IANA name; null for UTC.</param>
public sealed record PendingNotice(OwnerNotice Notice, string Address, string? Language, string? TimeZone);

/// <summary>The notices still to be written, for what writes them.</summary>
public sealed class OwnerNoticeQueue(IDbContextFactory<PortalDbContext> databases)
{
    private const int Page = 50;

    /// <summary>The next ones after an id, oldest first; empty at the end.</summary>
    public async Task<IReadOnlyList<PendingNotice>> AfterAsync(long id, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await (from notice in db.OwnerNotices.AsNoTracking()
                      where notice.Id > id
                      join mailbox in db.Mailboxes on notice.MailboxId equals mailbox.Id
                      from account in db.Accounts.Where(a => a.Id == mailbox.AccountId).DefaultIfEmpty()
                      orderby notice.Id
                      select new PendingNotice(notice, mailbox.PrimaryAddress, account.Language, account.TimeZone)).Take(Page).ToListAsync(cancel);
    }

    /// <summary>What ends a notice in the transaction of its mail (<see cref="Acceptance.Precondition"/>); of several nodes at it one wins.</summary>
    public static Func<PortalDbContext, CancellationToken, Task<IReadOnlyList<StoredCopy>?>> End(OwnerNotice notice) => async (db, cancel) =>
        await db.OwnerNotices.Where(n => n.Id == notice.Id).ExecuteDeleteAsync(cancel) == 1 ? [] : null;
}
