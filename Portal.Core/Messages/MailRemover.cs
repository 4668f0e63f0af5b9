using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Quotas;

namespace Portal.Core.Messages;

/// <summary>
/// The only code that removes items (DESIGN §5): tombstone and counters, then recoverable for <see cref="RecoverableFor"/>, then gone.
/// Content is never touched here; when nobody refers to it any more the <see cref="ContentSweeper"/> finds it.
/// </summary>
public sealed class MailRemover(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    /// <summary>How long a removed item can be brought back.</summary>
    public static readonly TimeSpan RecoverableFor = TimeSpan.FromDays(14);

    /// <summary>How long tombstones are kept for IMAP programs that come back (RFC 7162).</summary>
    public static readonly TimeSpan TombstonesKeptFor = TimeSpan.FromDays(60);

    /// <summary>
    /// Makes items recoverable: out of UID space, counters and quota, in the caller's transaction, which holds the use row and the folders.
    /// At most <see cref="ItemChanges.MaxRows"/>; returns the ids removed.
    /// </summary>
    internal static async Task<IReadOnlyList<long>> RemoveAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, Dictionary<long, HeldFolder> held, DateTimeOffset now, CancellationToken cancel)
    {
        var items = await TakeOutAsync(db, mailboxId, itemIds, held, now, cancel);
        foreach (var item in items)
        {
            item.Uid = null;
            item.DeletedAt = now;
        }

        await db.SaveChangesAsync(cancel);
        return [.. items.Select(i => i.Id)];
    }

    /// <summary>
    /// Brings recoverable items back, as new ones of a folder (a UID is never used twice). The caller's transaction
    /// holds the use row and the folder and looks at the quota; returns the ids brought back, or null when the folder is gone.
    /// </summary>
    internal static async Task<IReadOnlyList<long>?> RecoverAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, Dictionary<long, HeldFolder> held, long folderId, DateTimeOffset now, CancellationToken cancel)
    {
        if (!held.TryGetValue(folderId, out var folder)) return null;

        var items = await db.MailItems.AsTracking().Where(i => itemIds.Contains(i.Id) && i.MailboxId == mailboxId && i.DeletedAt != null)
            .OrderBy(i => i.Id).Take(ItemChanges.MaxRows).ToListAsync(cancel);
        await FolderRows.AddUseAsync(db, mailboxId, items.Sum(i => i.SizeBytes), items.Count, cancel);
        await FolderRows.AddAsync(db, folderId, items.Count, items.Count, items.Sum(i => ItemChanges.Unseen(i.Flags)), cancel);
        foreach (var item in items)
        {
            item.FolderId = folderId;
            item.Uid = folder.TakeUid();
            item.ModSeq = folder.ModSeq;
            item.SavedAt = now;
            item.DeletedAt = null;
        }

        await db.SaveChangesAsync(cancel);
        return [.. items.Select(i => i.Id)];
    }

    /// <summary>Ends items at once, for superseded drafts only: nobody wants each saving of a letter back. The caller owns gate and transaction.</summary>
    internal static async Task DiscardAsync(PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, DateTimeOffset now, CancellationToken cancel)
    {
        await FolderRows.HoldUseAsync(db, mailboxId, cancel);
        var held = await ItemChanges.HoldAsync(db, mailboxId, itemIds, [], cancel);
        db.MailItems.RemoveRange(await TakeOutAsync(db, mailboxId, itemIds, held, now, cancel));
        await db.SaveChangesAsync(cancel);
    }

    /// <summary>Ends what has been recoverable for long enough; a turn of at most 500 rows. Returns how many; 0 when nothing is left.</summary>
    public async Task<int> PurgeAsync(CancellationToken cancel)
    {
        var before = clock.GetUtcNow() - RecoverableFor;
        await using var db = await databases.CreateDbContextAsync(cancel);
        // Read outside the gate: the index begins with the mailbox, so all that is recoverable is looked at.
        var due = await db.MailItems.Where(i => i.DeletedAt != null && i.DeletedAt < before).OrderBy(i => i.DeletedAt).Take(ItemChanges.MaxRows).Select(i => i.Id).ToListAsync(cancel);
        if (due.Count == 0) return 0;

        using var turn = await gate.EnterAsync(cancel);
        // The condition again: what somebody recovered since the read stays.
        return await db.MailItems.Where(i => due.Contains(i.Id) && i.DeletedAt != null && i.DeletedAt < before).ExecuteDeleteAsync(cancel);
    }

    /// <summary>Drops tombstones older than <see cref="TombstonesKeptFor"/>; a turn of at most 500 rows. Returns how many.</summary>
    public async Task<int> PurgeTombstonesAsync(CancellationToken cancel)
    {
        var before = clock.GetUtcNow() - TombstonesKeptFor;
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var due = await db.Expunged.Where(e => e.At < before).OrderBy(e => e.At).Take(ItemChanges.MaxRows).Select(e => new { e.FolderId, e.Uid }).ToListAsync(cancel);
        var dropped = 0;
        foreach (var folder in due.GroupBy(e => e.FolderId))
        {
            var uids = folder.Select(e => e.Uid).ToList();
            dropped += await db.Expunged.Where(e => e.FolderId == folder.Key && uids.Contains(e.Uid)).ExecuteDeleteAsync(cancel);
        }

        return dropped;
    }

    /// <summary>
    /// Empties a mailbox that is past its grace, recoverable items included; a turn of at most 500 items, then its folders. Returns whether
    /// nothing is left. The caller has made sure that nobody delivers to it any more.
    /// </summary>
    public async Task<bool> ClearMailboxAsync(Guid mailboxId, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        // By its folders, which every item has, recoverable ones too: there is no index of items by mailbox, and a walk through everybody's would hold the gate.
        var ids = await db.Folders.Where(f => f.MailboxId == mailboxId).SelectMany(f => db.MailItems.Where(i => i.FolderId == f.Id)).Take(ItemChanges.MaxRows).Select(i => i.Id).ToListAsync(cancel);
        if (ids.Count > 0)
        {
            await db.MailItems.Where(i => ids.Contains(i.Id)).ExecuteDeleteAsync(cancel);
            await transaction.CommitAsync(cancel);
            return false;
        }

        // Children before their parents, since a parent's row is referred to.
        while (await db.Folders.Where(f => f.MailboxId == mailboxId && !db.Folders.Any(c => c.ParentId == f.Id)).ExecuteDeleteAsync(cancel) > 0) { }
        await transaction.CommitAsync(cancel);
        return true;
    }

    /// <summary>Takes items out of their folders: tombstones and counters. What becomes of the rows is the caller's.</summary>
    private static async Task<List<MailItem>> TakeOutAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, Dictionary<long, HeldFolder> held, DateTimeOffset now, CancellationToken cancel)
    {
        var items = await ItemChanges.ReadAsync(db, mailboxId, itemIds, held.Keys, cancel);
        foreach (var folder in items.GroupBy(i => i.FolderId))
        {
            await FolderRows.AddAsync(db, folder.Key, 0, -folder.Count(), -folder.Sum(i => ItemChanges.Unseen(i.Flags)), cancel);
            foreach (var item in folder)
            {
                ItemChanges.Bury(db, item, held[folder.Key], now);
                item.ModSeq = held[folder.Key].ModSeq;
            }
        }

        await FolderRows.AddUseAsync(db, mailboxId, -items.Sum(i => i.SizeBytes), -items.Count, cancel);
        await QuotaWatch.ClearFullAsync(db, mailboxId, cancel);
        return items;
    }
}
