using Portal.Core.Data;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>A place in a folder taken for one item.</summary>
internal readonly record struct UidPlace(long FolderId, long Uid, long ModSeq);

/// <summary>What <see cref="MailLane.AddUseAsync"/> and <see cref="MailLane.TakeUidsAsync"/> found, in the order asked.</summary>
internal sealed record Counted(IReadOnlyList<bool> Mailboxes, IReadOnlyList<(long Uid, long ModSeq)?> Folders);

/// <summary>
/// The connection on which the writer commits, with its statements prepared. EF Core builds the rows (<see cref="RowMap"/>) but does
/// not save them here: its change tracker cost 1.1 ms of CPU a message of the 0.8 ms there are for everything (docs/adr/0003).
/// One lane per provider; all else in the program saves through EF.
/// </summary>
internal abstract class MailLane : IAsyncDisposable
{
    /// <summary>By which the database can be asked what became of the transaction; null where it knows no such thing, and before the counters are raised.</summary>
    public virtual ulong? TransactionId => null;

    /// <summary>Begins the transaction of a batch.</summary>
    public abstract Task BeginAsync();

    public abstract Task CommitAsync();

    /// <summary>A context on this very transaction, for what must stand or fall with it.</summary>
    public abstract PortalDbContext Context();

    /// <summary>Ids for so many messages, ascending.</summary>
    public abstract Task<IReadOnlyList<long>> TakeMessageIdsAsync(int count);

    /// <summary>Adds to the counters of the mailboxes, in the order given; tells which are there.</summary>
    public abstract Task<IReadOnlyList<bool>> AddUseAsync(IReadOnlyList<(Guid MailboxId, long Bytes, long Items)> uses);

    /// <summary>Takes UIDs and MODSEQs, in the order given; the last of each, or null for a folder that is gone.</summary>
    public abstract Task<IReadOnlyList<(long Uid, long ModSeq)?>> TakeUidsAsync(IReadOnlyList<(long FolderId, int Count, int Unseen)> folders);

    /// <summary>Both, where nothing has to be looked at in between; a folder whose mailbox is gone is gone before it (its foreign key).</summary>
    public virtual async Task<Counted> CountAsync(IReadOnlyList<(Guid MailboxId, long Bytes, long Items)> uses, IReadOnlyList<(long FolderId, int Count, int Unseen)> folders) =>
        new(await AddUseAsync(uses), await TakeUidsAsync(folders));

    /// <summary>Inserts rows with all their columns, with the commit at the latest.</summary>
    public abstract Task InsertAsync(MailRows rows);

    public abstract ValueTask DisposeAsync();
}

/// <summary>What one batch inserts, in the order foreign keys ask for.</summary>
internal sealed class MailRows
{
    public List<Message> Messages { get; } = [];

    public List<Content> Contents { get; } = [];

    public List<MailItem> Items { get; } = [];

    public List<QueueEntry> Entries { get; } = [];

    public List<QuarantineItem> Quarantined { get; } = [];

    public List<MessageTrace> Traces { get; } = [];

    public List<TraceEvent> Events { get; } = [];

    public List<TraceRecipient> Recipients { get; } = [];
}
