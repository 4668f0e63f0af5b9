using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>A copy, for a mailbox, of a message that is stored already.</summary>
/// <param name="MailboxId">Whose; one that has the message gets no second copy.</param>
/// <param name="MessageId">What.</param>
/// <param name="SizeBytes">As the quota counts it.</param>
/// <param name="ReceivedAt">When the message came, its INTERNALDATE.</param>
public sealed record StoredCopy(Guid MailboxId, long MessageId, long SizeBytes, DateTimeOffset ReceivedAt)
{
    /// <summary>Into which of its standard folders.</summary>
    public SpecialUse Folder { get; init; } = SpecialUse.Inbox;
}

/// <summary>Places copies of stored messages: use rows before folders, each in ascending id (DESIGN §5).</summary>
internal static class StoredCopies
{
    /// <summary>Which of the mailboxes have the message, or had it and removed it. What its sender keeps under Sent is not what somebody got.</summary>
    public static Task<List<Guid>> ServedAsync(PortalDbContext db, long messageId, IReadOnlyCollection<Guid> mailboxes, CancellationToken cancel) =>
        (from item in db.MailItems.AsNoTracking()
         where item.MessageId == messageId && mailboxes.Contains(item.MailboxId)
         join folder in db.Folders on item.FolderId equals folder.Id
         where folder.SpecialUse != SpecialUse.Sent
         select item.MailboxId).Distinct().ToListAsync(cancel);

    /// <summary>
    /// Those that are to be placed, once the use rows are held and count them: asked only then, nobody else can be placing the same copy.
    /// What the others were counted is taken back.
    /// </summary>
    public static async Task<List<StoredCopy>> LeaveOutServedAsync(PortalDbContext db, IReadOnlyList<StoredCopy> counted, CancellationToken cancel)
    {
        var left = new List<StoredCopy>(counted.Count);
        foreach (var message in counted.GroupBy(c => c.MessageId))
        {
            var served = (await ServedAsync(db, message.Key, [.. message.Select(c => c.MailboxId)], cancel)).ToHashSet();
            foreach (var copy in message)
            {
                if (served.Add(copy.MailboxId)) left.Add(copy);   // of two copies in one batch the first
                else await FolderRows.AddUseAsync(db, copy.MailboxId, -copy.SizeBytes, -1, cancel);
            }
        }

        return left;
    }

    /// <summary>Places all of them in the caller's transaction; those of mailboxes that are gone are dropped.</summary>
    public static async Task PlaceAsync(PortalDbContext db, IReadOnlyList<StoredCopy> copies, DateTimeOffset at, CancellationToken cancel)
    {
        if (copies.Count == 0) return;
        var there = new List<StoredCopy>(copies.Count);
        foreach (var mailbox in copies.GroupBy(c => c.MailboxId).OrderBy(m => m.Key))
            if (await FolderRows.AddUseAsync(db, mailbox.Key, mailbox.Sum(c => c.SizeBytes), mailbox.Count(), cancel) > 0) there.AddRange(mailbox);

        var placed = (await LeaveOutServedAsync(db, there, cancel)).ToLookup(c => (c.MailboxId, c.Folder));
        var mailboxes = placed.Select(p => p.Key.MailboxId).Distinct().ToList();
        var folders = await db.Folders.AsNoTracking().Where(f => mailboxes.Contains(f.MailboxId) && (f.SpecialUse == SpecialUse.Inbox || f.SpecialUse == SpecialUse.Junk))
            .OrderBy(f => f.Id).Select(f => new { f.Id, f.MailboxId, f.SpecialUse }).ToListAsync(cancel);
        foreach (var folder in folders)
        {
            var items = placed[(folder.MailboxId, folder.SpecialUse)].ToList();
            if (items.Count == 0 || await FolderCounters.AddAsync(db, folder.Id, items.Count, items.Count, cancel) is not { } last) continue;
            for (var i = 0; i < items.Count; i++)
                db.MailItems.Add(ItemOf(items[i], new UidPlace(folder.Id, last.Uid - items.Count + 1 + i, last.ModSeq - items.Count + 1 + i), at));
        }
    }

    public static MailItem ItemOf(StoredCopy copy, UidPlace place, DateTimeOffset at) => new()
    {
        MailboxId = copy.MailboxId,
        FolderId = place.FolderId,
        MessageId = copy.MessageId,
        Uid = place.Uid,
        ModSeq = place.ModSeq,
        InternalDate = copy.ReceivedAt,
        InternalDateOffsetMinutes = MailItem.OffsetOf(copy.ReceivedAt),
        SavedAt = at,
        SizeBytes = copy.SizeBytes,
    };
}
