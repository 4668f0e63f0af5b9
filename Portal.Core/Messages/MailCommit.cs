using Portal.Core.Recipients;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>Stages one batch of acceptances in an open transaction: counters first, in ascending id, use rows before folders; then the rows (DESIGN §5).</summary>
internal sealed class MailCommit(FolderIds folderIds, TimeProvider clock)
{
    private List<StoredCopy> copies = [];

    public HashSet<Guid> TouchedMailboxes { get; } = [];

    /// <summary>Queue ids whose precondition no longer held.</summary>
    public HashSet<Guid> Superseded { get; } = [];

    /// <summary>What the commit writes; found whole or not at all.</summary>
    public IReadOnlyList<Acceptance> Written { get; private set; } = [];

    public async Task StageAsync(MailLane lane, IReadOnlyList<Acceptance> batch)
    {
        var live = await FilterAsync(lane, batch);
        if (live.Count == 0) return;
        Written = live;

        var places = await PlaceAsync(lane, live);
        var ids = await lane.TakeMessageIdsAsync(live.Count);
        var rows = new MailRows();
        for (var i = 0; i < copies.Count; i++)
            if (places.TryGetValue(PlaceOf(i), out var place)) rows.Items.Add(StoredCopies.ItemOf(copies[i], place, clock.GetUtcNow()));
        for (var i = 0; i < live.Count; i++) AddRows(rows, live[i], ids[i], places);
        await lane.InsertAsync(rows);
    }

    private async Task<IReadOnlyList<Acceptance>> FilterAsync(MailLane lane, IReadOnlyList<Acceptance> batch)
    {
        if (batch.All(a => a.Precondition is null)) return batch;
        var live = new List<Acceptance>(batch.Count);
        await using var db = lane.Context();
        foreach (var acceptance in batch)
        {
            IReadOnlyList<StoredCopy>? with = [];
            if (acceptance.Precondition is { } stage) with = await stage(db, default);
            if (with is null)
            {
                Superseded.Add(acceptance.QueueId);
                continue;
            }

            live.Add(acceptance);
            copies.AddRange(with);
        }

        return live;
    }

    /// <summary>Raises the counters and takes the UIDs for every copy of the batch.</summary>
    private async Task<Dictionary<(Guid Queue, LocalDelivery Copy), UidPlace>> PlaceAsync(MailLane lane, IReadOnlyList<Acceptance> batch)
    {
        var uses = UsesOf(batch);
        if (copies.Count == 0)
        {
            var all = await FoldersOfAsync(batch);
            var counted = await lane.CountAsync(uses, PartsOf(all));
            Touch(uses, counted.Mailboxes);
            return Number(all, counted.Folders);
        }

        Touch(uses, await lane.AddUseAsync(uses));
        await using (var db = lane.Context())
            copies = await StoredCopies.LeaveOutServedAsync(db, copies.FindAll(c => TouchedMailboxes.Contains(c.MailboxId)), CancellationToken.None);
        var folders = await FoldersOfAsync(batch);
        return Number(folders, await lane.TakeUidsAsync(PartsOf(folders)));
    }

    private List<(Guid MailboxId, long Bytes, long Items)> UsesOf(IReadOnlyList<Acceptance> batch)
    {
        var uses = new SortedDictionary<Guid, (long Bytes, long Items)>();
        foreach (var acceptance in batch)
            foreach (var copy in acceptance.Deliveries) Add(copy.MailboxId, SizeOf(acceptance));
        foreach (var copy in copies) Add(copy.MailboxId, copy.SizeBytes);
        return [.. uses.Select(u => (u.Key, u.Value.Bytes, u.Value.Items))];

        void Add(Guid mailbox, long bytes) => uses[mailbox] = uses.GetValueOrDefault(mailbox) is var use ? (use.Bytes + bytes, use.Items + 1) : default;
    }

    private void Touch(List<(Guid MailboxId, long Bytes, long Items)> uses, IReadOnlyList<bool> found)
    {
        foreach (var (use, isThere) in uses.Zip(found))
            if (isThere) TouchedMailboxes.Add(use.MailboxId);   // else the mailbox went since RCPT, its folders with it: its copies are dropped, not the batch
    }

    private async Task<SortedDictionary<long, List<(Guid Queue, LocalDelivery Copy)>>> FoldersOfAsync(IReadOnlyList<Acceptance> batch)
    {
        var folders = new SortedDictionary<long, List<(Guid Queue, LocalDelivery Copy)>>();
        foreach (var acceptance in batch)
            foreach (var copy in acceptance.Deliveries) await AddAsync(acceptance.QueueId, copy);
        for (var i = 0; i < copies.Count; i++) await AddAsync(PlaceOf(i).Queue, PlaceOf(i).Copy);
        return folders;

        async ValueTask AddAsync(Guid queue, LocalDelivery copy)
        {
            if (await folderIds.FindAsync(copy.MailboxId, copy.Folder) is not { } folder) return;
            if (!folders.TryGetValue(folder, out var list)) folders[folder] = list = [];
            list.Add((queue, copy));
        }
    }

    private static List<(long FolderId, int Count, int Unseen)> PartsOf(SortedDictionary<long, List<(Guid Queue, LocalDelivery Copy)>> folders) =>
        [.. folders.Select(f => (f.Key, f.Value.Count, f.Value.Count(c => !c.Copy.Flags.HasFlag(MailFlags.Seen))))];

    private static Dictionary<(Guid Queue, LocalDelivery Copy), UidPlace> Number(SortedDictionary<long, List<(Guid Queue, LocalDelivery Copy)>> folders, IReadOnlyList<(long Uid, long ModSeq)?> taken)
    {
        var places = new Dictionary<(Guid, LocalDelivery), UidPlace>();
        foreach (var ((folder, placed), last) in folders.Zip(taken))
        {
            if (last is not { } end) continue;
            for (var i = 0; i < placed.Count; i++)
                places[placed[i]] = new(folder, end.Uid - placed.Count + 1 + i, end.ModSeq - placed.Count + 1 + i);
        }

        return places;
    }

    /// <summary>What a stored copy's place goes under; no acceptance has the empty queue id.</summary>
    private (Guid Queue, LocalDelivery Copy) PlaceOf(int index) => (Guid.Empty, new LocalDelivery(copies[index].MailboxId, copies[index].Folder, MailFlags.None, index));

    private void AddRows(MailRows rows, Acceptance acceptance, long messageId, Dictionary<(Guid Queue, LocalDelivery Copy), UidPlace> places)
    {
        if (!acceptance.IsDiscarded)
        {
            rows.Messages.Add(MessageOf(acceptance, messageId));
            rows.Contents.Add(ContentOf(acceptance, messageId));
        }

        foreach (var copy in acceptance.Deliveries)
        {
            if (places.TryGetValue((acceptance.QueueId, copy), out var place))
                rows.Items.Add(ItemOf(acceptance, copy, messageId, place));
            else if (acceptance.Recipients.FirstOrDefault(r => r.Index == copy.RecipientIndex) is { } recipient)
                (recipient.Outcome, recipient.Rule) = (RecipientOutcome.Failed, RecipientRules.Gone);
        }

        foreach (var entry in acceptance.Entries)
        {
            entry.MessageId = messageId;
            rows.Entries.Add(entry);
        }

        foreach (var item in acceptance.Quarantined)
        {
            item.MessageId = messageId;
            rows.Quarantined.Add(item);
        }

        if (acceptance.Trace is { } trace) rows.Traces.Add(trace);
        if (acceptance.Event is { } traceEvent) rows.Events.Add(traceEvent);
        rows.Recipients.AddRange(acceptance.Recipients);
    }

    private static Content ContentOf(Acceptance acceptance, long messageId) => new()
    {
        MessageId = messageId,
        TraceFields = acceptance.TraceFields,
        Hash = acceptance.Content.Hash,
        RawBytes = acceptance.Content.RawBytes,
        Inline = acceptance.Content.Inline,
        BlobKey = acceptance.Content.BlobKey,
        IsCompressed = acceptance.Content.IsCompressed,
        StoredAt = acceptance.At,
    };

    private MailItem ItemOf(Acceptance acceptance, LocalDelivery copy, long messageId, UidPlace place) => new()
    {
        MailboxId = copy.MailboxId,
        FolderId = place.FolderId,
        MessageId = messageId,
        Uid = place.Uid,
        ModSeq = place.ModSeq,
        Flags = copy.Flags,
        InternalDate = acceptance.At,
        InternalDateOffsetMinutes = MailItem.OffsetOf(acceptance.At),
        SavedAt = clock.GetUtcNow(),
        SizeBytes = SizeOf(acceptance),
    };

    private static Message MessageOf(Acceptance acceptance, long id) => new()
    {
        Id = id,
        QueueId = acceptance.QueueId,
        ReceivedAt = acceptance.At,
        SizeBytes = SizeOf(acceptance),
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

    private static long SizeOf(Acceptance acceptance) => acceptance.TraceFields.Length + acceptance.Content.RawBytes;
}
