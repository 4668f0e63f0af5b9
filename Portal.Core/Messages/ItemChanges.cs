using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>
/// Changes to items that stay: flags and moves. Every change of an item's UID, folder or flags first takes its folder's row, then reads
/// the items again; what somebody else moved meanwhile is left to them. The caller owns gate, transaction and folders.
/// </summary>
internal static class ItemChanges
{
    /// <summary>Items a transaction may touch at most (DESIGN §5).</summary>
    public const int MaxRows = 500;

    /// <summary>Sets and clears flags; returns how many items changed.</summary>
    public static async Task<int> MarkAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, Dictionary<long, HeldFolder> held, MailFlags set, MailFlags clear, CancellationToken cancel)
    {
        var changed = 0;
        foreach (var group in (await ReadAsync(db, mailboxId, itemIds, held.Keys, cancel)).GroupBy(i => i.FolderId))
        {
            var unseen = 0;
            foreach (var item in group)
            {
                var flags = (item.Flags | set) & ~clear;
                if (flags == item.Flags) continue;

                unseen += Unseen(flags) - Unseen(item.Flags);
                item.Flags = flags;
                item.ModSeq = held[group.Key].ModSeq;
                changed++;
            }

            if (unseen != 0) await FolderRows.AddAsync(db, group.Key, 0, 0, unseen, cancel);
        }

        await db.SaveChangesAsync(cancel);
        return changed;
    }

    /// <summary>
    /// Moves items (RFC 6851 §3.3): a tombstone in the source, a new UID in the target, in the order they had. Items already there stay
    /// as they are. Returns where each moved item came from; null when the target is gone.
    /// </summary>
    public static async Task<IReadOnlyList<ItemMove>?> MoveAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, Dictionary<long, HeldFolder> held, long targetId, DateTimeOffset now, CancellationToken cancel)
    {
        if (!held.TryGetValue(targetId, out var target)) return null;

        var items = (await ReadAsync(db, mailboxId, itemIds, held.Keys, cancel)).Where(i => i.FolderId != targetId).ToList();
        foreach (var source in items.GroupBy(i => i.FolderId))
            await FolderRows.AddAsync(db, source.Key, 0, -source.Count(), -source.Sum(i => Unseen(i.Flags)), cancel);
        await FolderRows.AddAsync(db, targetId, items.Count, items.Count, items.Sum(i => Unseen(i.Flags)), cancel);

        var moves = items.Select(i => new ItemMove(i.Id, i.FolderId)).ToList();
        foreach (var item in items)
        {
            Bury(db, item, held[item.FolderId], now);
            item.FolderId = targetId;
            item.Uid = target.TakeUid();
            item.ModSeq = target.ModSeq;
            item.SavedAt = now;
        }

        await db.SaveChangesAsync(cancel);
        return moves;
    }

    /// <summary>Takes the rows of the folders the items are in, and of <paramref name="others"/>.</summary>
    public static async Task<Dictionary<long, HeldFolder>> HoldAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, IEnumerable<long> others, CancellationToken cancel)
    {
        var folders = await db.MailItems.Where(i => itemIds.Contains(i.Id) && i.MailboxId == mailboxId && i.DeletedAt == null).Select(i => i.FolderId).Distinct().ToListAsync(cancel);
        return await FolderRows.HoldAsync(db, folders.Concat(others), cancel);
    }

    /// <summary>Reads the items again, tracked, now that their folders are held.</summary>
    public static Task<List<MailItem>> ReadAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, IReadOnlyCollection<long> folderIds, CancellationToken cancel) =>
        db.MailItems.AsTracking()
            .Where(i => itemIds.Contains(i.Id) && i.MailboxId == mailboxId && i.DeletedAt == null && folderIds.Contains(i.FolderId))
            .OrderBy(i => i.FolderId).ThenBy(i => i.Uid).Take(MaxRows).ToListAsync(cancel);

    /// <summary>Leaves a tombstone where the item was (RFC 7162 §3.2.10, VANISHED).</summary>
    public static void Bury(PortalDbContext db, MailItem item, HeldFolder folder, DateTimeOffset now) =>
        db.Expunged.Add(new Expunged { FolderId = item.FolderId, Uid = item.Uid!.Value, ModSeq = folder.ModSeq, At = now });

    public static int Unseen(MailFlags flags) => flags.HasFlag(MailFlags.Seen) ? 0 : 1;
}

/// <summary>An item and the folder it was in before a move; what Undo needs.</summary>
public readonly record struct ItemMove(long ItemId, long FolderId);
