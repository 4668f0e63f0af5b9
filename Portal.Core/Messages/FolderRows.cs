using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>A folder whose row this transaction holds.</summary>
/// <param name="uidNext">The UID the next item gets.</param>
/// <param name="modSeq">The MODSEQ of all that this transaction does in it.</param>
internal sealed class HeldFolder(long uidNext, long modSeq)
{
    private long uidNext = uidNext;

    public long ModSeq { get; } = modSeq;

    public long TakeUid() => uidNext++;
}

/// <summary>
/// The counters of folders: relative statements only, rows taken in ascending id (a <see cref="Mailboxes.MailboxUse"/> row before them) and
/// held to the commit, so that the order of MODSEQ is the order of commits (DESIGN §5, RFC 7162 §3.1.2).
/// </summary>
internal static class FolderRows
{
    /// <summary>
    /// Takes the rows and raises each HighestModSeq by one; a folder that is gone is missing from the result. Once a transaction: a second
    /// taking would break the order, and with it the promise that nobody waits in a circle.
    /// </summary>
    public static async Task<Dictionary<long, HeldFolder>> HoldAsync(PortalDbContext db, IEnumerable<long> folderIds, CancellationToken cancel)
    {
        var held = new Dictionary<long, HeldFolder>();
        foreach (var id in folderIds.Distinct().Order())
        {
            var row = await db.Database.SqlQuery<Row>(
                $"""UPDATE "Folder" SET "HighestModSeq" = "HighestModSeq" + 1 WHERE "Id" = {id} RETURNING "UidNext", "HighestModSeq" """).ToListAsync(cancel);
            if (row is [var found]) held[id] = new HeldFolder(found.UidNext, found.HighestModSeq);
        }

        return held;
    }

    /// <summary>Adds to the counters of a folder whose row this transaction holds.</summary>
    public static Task AddAsync(PortalDbContext db, long folderId, long uids, long items, long unseen, CancellationToken cancel) =>
        db.Folders.Where(f => f.Id == folderId).ExecuteUpdateAsync(
            f => f.SetProperty(x => x.UidNext, x => x.UidNext + uids).SetProperty(x => x.Items, x => x.Items + items).SetProperty(x => x.Unseen, x => x.Unseen + unseen),
            cancel);

    /// <summary>Takes the row that counts a mailbox's use; before any folder.</summary>
    public static Task HoldUseAsync(PortalDbContext db, Guid mailboxId, CancellationToken cancel) => AddUseAsync(db, mailboxId, 0, 0, cancel);

    /// <summary>Adds to what a mailbox holds; returns 0 when it is gone.</summary>
    public static Task<int> AddUseAsync(PortalDbContext db, Guid mailboxId, long bytes, long items, CancellationToken cancel) =>
        db.MailboxUses.Where(u => u.MailboxId == mailboxId)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.Bytes, x => x.Bytes + bytes).SetProperty(x => x.Items, x => x.Items + items), cancel);

    private sealed record Row(long UidNext, long HighestModSeq);
}
