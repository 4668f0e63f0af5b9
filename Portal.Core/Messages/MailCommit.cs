using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>Folder ids by mailbox and special use: they never change while the mailbox lives.</summary>
internal sealed class FolderIds
{
    private const int MaxEntries = 200_000;
    private readonly ConcurrentDictionary<(Guid Mailbox, SpecialUse Use), long> ids = new();

    /// <summary>The folder's id; null when the mailbox is gone.</summary>
    public async ValueTask<long?> FindAsync(PortalDbContext db, Guid mailboxId, SpecialUse use, CancellationToken cancel = default)
    {
        if (ids.TryGetValue((mailboxId, use), out var known)) return known;
        var found = await db.Folders.AsNoTracking().Where(f => f.MailboxId == mailboxId && f.SpecialUse == use).Select(f => (long?)f.Id).FirstOrDefaultAsync(cancel);
        if (ids.Count > MaxEntries) ids.Clear();
        if (found is { } id) ids[(mailboxId, use)] = id;
        return found;
    }
}

/// <summary>Stages one batch of acceptances in an open transaction: counters first, in ascending id, use rows before folders; then the rows (DESIGN §5).</summary>
internal sealed class MailCommit(FolderIds folderIds, TimeProvider clock)
{
    public HashSet<Guid> TouchedMailboxes { get; } = [];

    /// <summary>Queue ids whose precondition no longer held.</summary>
    public HashSet<Guid> Superseded { get; } = [];

    public async Task StageAsync(PortalDbContext db, IReadOnlyList<Acceptance> batch)
    {
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        var live = new List<Acceptance>(batch.Count);
        foreach (var acceptance in batch)
        {
            if (acceptance.Precondition is not { } holds || await holds(db, default)) live.Add(acceptance);
            else Superseded.Add(acceptance.QueueId);
        }

        var copies = await PlaceAsync(db, live);
        var messages = live.ConvertAll(MessageOf);
        db.Messages.AddRange(messages);
        await db.SaveChangesAsync();   // the ids; items, entries and content point at them

        for (var i = 0; i < live.Count; i++) AddRows(db, live[i], messages[i].Id, messages[i].SizeBytes, copies);
        await db.SaveChangesAsync();
    }

    /// <summary>Raises the counters and takes the UIDs for every copy of the batch.</summary>
    private async Task<Dictionary<(Guid Queue, LocalDelivery Copy), Place>> PlaceAsync(PortalDbContext db, List<Acceptance> batch)
    {
        var places = new Dictionary<(Guid, LocalDelivery), Place>();
        var copies = batch.SelectMany(a => a.Deliveries.Select(d => (Acceptance: a, Copy: d, Bytes: a.TraceFields.Length + a.Content.RawBytes))).ToList();
        if (copies.Count == 0) return places;

        foreach (var mailbox in copies.GroupBy(c => c.Copy.MailboxId).OrderBy(g => g.Key))
        {
            var (bytes, items) = (mailbox.Sum(c => c.Bytes), (long)mailbox.Count());
            var rows = await db.MailboxUses.Where(u => u.MailboxId == mailbox.Key)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.Bytes, x => x.Bytes + bytes).SetProperty(x => x.Items, x => x.Items + items));
            if (rows == 1) TouchedMailboxes.Add(mailbox.Key);   // else the mailbox went since RCPT: its copies are dropped, not the batch
        }

        var byFolder = new SortedDictionary<long, List<(Acceptance Acceptance, LocalDelivery Copy, long Bytes)>>();
        foreach (var copy in copies.Where(c => TouchedMailboxes.Contains(c.Copy.MailboxId)))
        {
            if (await folderIds.FindAsync(db, copy.Copy.MailboxId, copy.Copy.Folder) is not { } folder) continue;
            if (!byFolder.TryGetValue(folder, out var list)) byFolder[folder] = list = [];
            list.Add(copy);
        }

        foreach (var (folderId, list) in byFolder)
        {
            var (count, unseen) = (list.Count, list.Count(c => !c.Copy.Flags.HasFlag(MailFlags.Seen)));
            if (await FolderCounters.AddAsync(db, folderId, count, unseen) is not { } last) continue;
            for (var i = 0; i < count; i++)
                places[(list[i].Acceptance.QueueId, list[i].Copy)] = new(folderId, last.Uid - count + 1 + i, last.ModSeq - count + 1 + i);
        }

        return places;
    }

    private void AddRows(PortalDbContext db, Acceptance acceptance, long messageId, long sizeBytes, Dictionary<(Guid Queue, LocalDelivery Copy), Place> places)
    {
        var content = acceptance.Content;
        db.Contents.Add(new Content
        {
            MessageId = messageId,
            TraceFields = acceptance.TraceFields,
            Hash = content.Hash,
            RawBytes = content.RawBytes,
            Inline = content.Inline,
            BlobKey = content.BlobKey,
            IsCompressed = content.IsCompressed,
            StoredAt = acceptance.At,
        });

        foreach (var copy in acceptance.Deliveries)
        {
            if (places.TryGetValue((acceptance.QueueId, copy), out var place))
                db.MailItems.Add(ItemOf(acceptance, copy, messageId, sizeBytes, place));
            else if (acceptance.Recipients.FirstOrDefault(r => r.Index == copy.RecipientIndex) is { } recipient)
                (recipient.Outcome, recipient.Rule) = (RecipientOutcome.Failed, "recipient.gone");
        }

        foreach (var entry in acceptance.Entries)
        {
            (entry.Id, entry.MessageId) = (0, messageId);   // a batch that is run again must not keep the ids of the first run
            db.QueueEntries.Add(entry);
        }

        if (acceptance.Trace is { } trace) db.Traces.Add(trace);
        if (acceptance.Event is { } traceEvent) db.TraceEvents.Add(traceEvent);
        db.TraceRecipients.AddRange(acceptance.Recipients);
    }

    private MailItem ItemOf(Acceptance acceptance, LocalDelivery copy, long messageId, long sizeBytes, Place place) => new()
    {
        MailboxId = copy.MailboxId,
        FolderId = place.FolderId,
        MessageId = messageId,
        Uid = place.Uid,
        ModSeq = place.ModSeq,
        Flags = copy.Flags,
        InternalDate = acceptance.At,
        SavedAt = clock.GetUtcNow(),
        SizeBytes = sizeBytes,
    };

    private static Message MessageOf(Acceptance acceptance) => new()
    {
        QueueId = acceptance.QueueId,
        ReceivedAt = acceptance.At,
        SizeBytes = acceptance.TraceFields.Length + acceptance.Content.RawBytes,
        ReversePath = acceptance.ReversePath,
        MessageIdHeader = acceptance.Head.MessageId,
        InReplyTo = acceptance.Head.InReplyTo,
        HeaderFrom = acceptance.Head.From,
        HeaderTo = acceptance.Head.To,
        Subject = acceptance.Head.Subject,
        SentAt = acceptance.Head.Date,
        Needs = acceptance.Content.Needs | (acceptance.Head.HasUtf8 ? MessageNeeds.Utf8Headers : 0),
        LongestLine = acceptance.Content.LongestLine,
    };

    private readonly record struct Place(long FolderId, long Uid, long ModSeq);
}

/// <summary>The one statement that moves a folder's counters; the row's lock is held to commit, so order of MODSEQ is order of commit.</summary>
internal static class FolderCounters
{
    /// <summary>Takes <paramref name="count"/> UIDs and MODSEQs; returns the last of each, or null when the folder is gone.</summary>
    public static async Task<(long Uid, long ModSeq)?> AddAsync(PortalDbContext db, long folderId, int count, int unseen, CancellationToken cancel = default)
    {
        var rows = await db.Database.SqlQuery<FolderPlace>($"""
            UPDATE "Folder" SET "UidNext" = "UidNext" + {count}, "HighestModSeq" = "HighestModSeq" + {count}, "Items" = "Items" + {count}, "Unseen" = "Unseen" + {unseen}
            WHERE "Id" = {folderId} RETURNING "UidNext" - 1 AS "Uid", "HighestModSeq" AS "ModSeq"
            """).ToListAsync(cancel);
        return rows is [var row] ? (row.Uid, row.ModSeq) : null;
    }

    /// <summary>Moves counters without new UIDs (flags, removals); returns the last MODSEQ, or null when the folder is gone.</summary>
    public static async Task<long?> ChangeAsync(PortalDbContext db, long folderId, int modSeqs, int items, int unseen, CancellationToken cancel = default)
    {
        var rows = await db.Database.SqlQuery<long>($"""
            UPDATE "Folder" SET "HighestModSeq" = "HighestModSeq" + {modSeqs}, "Items" = "Items" + {items}, "Unseen" = "Unseen" + {unseen}
            WHERE "Id" = {folderId} RETURNING "HighestModSeq" AS "Value"
            """).ToListAsync(cancel);
        return rows is [var modSeq] ? modSeq : null;
    }

    internal sealed record FolderPlace(long Uid, long ModSeq);
}
