using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>Reading and ordering the mail of one's own mailbox. Somebody else's item, folder or message reads as not there.</summary>
public sealed class MailService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, PreviewWriter previews, MailOpener opener, TimeProvider clock)
{
    /// <summary>Lines of a page.</summary>
    public const int PageRows = 50;

    /// <summary>Items one call may name.</summary>
    public const int MaxItems = ItemChanges.MaxRows;

    /// <summary>The mailbox and its folders with their counts.</summary>
    /// <returns>The overview, <see cref="NotPermitted"/>, or <see cref="NotFound"/> for an account without a mailbox.</returns>
    public async Task<Outcome<MailOverview>> OverviewAsync(Actor actor, CancellationToken cancel)
    {
        if (!actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var mailbox = await db.Mailboxes.OwnedBy(actor).OrderBy(m => m.CreatedAt)
            .Select(m => new OwnMailbox(m.Id, m.PrimaryAddress, m.Name, db.MailboxUses.Where(u => u.MailboxId == m.Id).Select(u => u.Bytes).FirstOrDefault(), m.QuotaOverrideBytes))
            .FirstOrDefaultAsync(cancel);
        if (mailbox is null) return new NotFound("Mailbox");

        var folders = await db.Folders.AsNoTracking().Where(f => f.MailboxId == mailbox.Id).Take(FolderService.MaxFolders)
            .Select(f => new MailFolder(f.Id, f.ParentId, f.Name, f.SpecialUse, f.Items, f.Unseen, f.HighestModSeq)).ToListAsync(cancel);
        return new MailOverview(mailbox, [.. folders.OrderBy(f => f.SpecialUse == SpecialUse.None ? int.MaxValue : (int)f.SpecialUse).ThenBy(f => f.Name, StringComparer.CurrentCultureIgnoreCase)]);
    }

    /// <summary>A page of a folder, newest first, keyed by UID so that no page is slower than the first.</summary>
    /// <param name="actor">Needs <see cref="Capability.UseOwnMail"/> and must own the folder's mailbox.</param>
    /// <param name="folderId">The folder.</param>
    /// <param name="before">Null for the first page, else <see cref="MailPage.Next"/> of the one before.</param>
    /// <param name="cancel">Stops the query.</param>
    public async Task<Outcome<MailPage>> ListAsync(Actor actor, long folderId, long? before, CancellationToken cancel)
    {
        if (!actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.OwnMailboxIdAsync(actor, cancel) is not { } mailboxId || !await db.Folders.AnyAsync(f => f.Id == folderId && f.MailboxId == mailboxId, cancel))
            return new NotFound("Folder");

        var below = before ?? long.MaxValue;
        var rows = await db.Rows(db.MailItems.AsNoTracking().Where(i => i.FolderId == folderId && i.Uid != null && i.Uid < below).OrderByDescending(i => i.Uid).Take(PageRows + 1)).ToListAsync(cancel);
        return await PageAsync([.. rows.OrderByDescending(r => r.Uid)], r => r.Uid, cancel);
    }

    /// <summary>What was deleted from Trash and can be brought back, last deleted first.</summary>
    /// <param name="before">Null for the first page, else <see cref="MailPage.Next"/> of the one before.</param>
    public async Task<Outcome<MailPage>> ListRecoverableAsync(Actor actor, long? before, CancellationToken cancel)
    {
        if (!actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.OwnMailboxIdAsync(actor, cancel) is not { } mailboxId) return new NotFound("Mailbox");

        // What was recovered since the page before has no place any more: the list begins anew.
        var last = before is null ? null : await db.MailItems.Where(i => i.Id == before && i.MailboxId == mailboxId).Select(i => i.DeletedAt).SingleOrDefaultAsync(cancel);
        var (at, id) = last is { } known ? (known, before!.Value) : (DateTimeOffset.MaxValue, long.MaxValue);
        var rows = await db.Rows(db.MailItems.AsNoTracking()
            .Where(i => i.MailboxId == mailboxId && i.DeletedAt != null && (i.DeletedAt < at || (i.DeletedAt == at && i.Id < id)))
            .OrderByDescending(i => i.DeletedAt).ThenByDescending(i => i.Id).Take(PageRows + 1)).ToListAsync(cancel);
        return await PageAsync([.. rows.OrderByDescending(r => r.DeletedAt).ThenByDescending(r => r.Id)], r => r.Id, cancel);
    }

    /// <summary>One line, wherever the item is now; also a recoverable one.</summary>
    public async Task<Outcome<MailRow>> FindAsync(Actor actor, long itemId, CancellationToken cancel)
    {
        if (!actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.OwnMailboxIdAsync(actor, cancel) is not { } mailboxId) return new NotFound("MailItem");

        return await db.Rows(db.MailItems.AsNoTracking().Where(i => i.Id == itemId && i.MailboxId == mailboxId)).SingleOrDefaultAsync(cancel) is { } row ? row : new NotFound("MailItem");
    }

    /// <summary>Opens an item for reading: its structure, with the bytes behind it until disposed.</summary>
    /// <returns>The message, or <see cref="NotFound"/> for what isn't there or isn't one's own.</returns>
    public async Task<Outcome<OpenMail>> OpenAsync(Actor actor, long itemId, CancellationToken cancel)
    {
        var row = await FindAsync(actor, itemId, cancel);
        return row.IsDone ? await opener.OpenAsync(row.Value.MessageId, cancel) : row.Refusal;
    }

    /// <summary>The stored bytes of an item, exactly.</summary>
    public async Task<Outcome<Stream>> OpenRawAsync(Actor actor, long itemId, CancellationToken cancel)
    {
        var row = await FindAsync(actor, itemId, cancel);
        return row.IsDone ? await opener.OpenRawAsync(row.Value.MessageId, cancel) : row.Refusal;
    }

    /// <summary>Sets and clears flags of at most <see cref="MaxItems"/> items; ids of others are passed over.</summary>
    public Task<Outcome> MarkAsync(Actor actor, IReadOnlyCollection<long> itemIds, MailFlags set, MailFlags clear, CancellationToken cancel) =>
        ActAsync(actor, itemIds, async (db, mailboxId) =>
        {
            var held = await ItemChanges.HoldAsync(db, mailboxId, itemIds, [], cancel);
            await ItemChanges.MarkAsync(db, mailboxId, itemIds, held, set, clear, cancel);
            return Outcome.Done;
        }, cancel);

    /// <summary>Moves at most <see cref="MaxItems"/> items to another folder of the mailbox.</summary>
    /// <returns>Where each one was, for <see cref="UndoAsync"/>; <see cref="NotFound"/> when the target is gone.</returns>
    public async Task<Outcome<MailDeletion>> MoveAsync(Actor actor, IReadOnlyCollection<long> itemIds, long targetFolderId, CancellationToken cancel)
    {
        IReadOnlyList<ItemMove> moved = [];
        var outcome = await ActAsync(actor, itemIds, async (db, mailboxId) =>
        {
            if (!await db.Folders.AnyAsync(f => f.Id == targetFolderId && f.MailboxId == mailboxId, cancel)) return new NotFound("Folder");
            var held = await ItemChanges.HoldAsync(db, mailboxId, itemIds, [targetFolderId], cancel);
            if (await ItemChanges.MoveAsync(db, mailboxId, itemIds, held, targetFolderId, clock.GetUtcNow(), cancel) is not { } moves) return new NotFound("Folder");

            moved = moves;
            return Outcome.Done;
        }, cancel);
        return outcome.IsDone ? new MailDeletion(moved, []) : outcome.Refusal;
    }

    /// <summary>Deletes at most <see cref="MaxItems"/> items: what is elsewhere goes to Trash, what is in Trash becomes recoverable for 14 days.</summary>
    public async Task<Outcome<MailDeletion>> DeleteAsync(Actor actor, IReadOnlyCollection<long> itemIds, CancellationToken cancel)
    {
        var deletion = new MailDeletion([], []);
        var outcome = await ActAsync(actor, itemIds, async (db, mailboxId) =>
        {
            var now = clock.GetUtcNow();
            var trash = await db.Folders.Where(f => f.MailboxId == mailboxId && f.SpecialUse == SpecialUse.Trash).Select(f => f.Id).SingleAsync(cancel);

            // Use row first, then all folders in ascending order: two deletions at once never wait for each other in a circle.
            await FolderRows.HoldUseAsync(db, mailboxId, cancel);
            var held = await ItemChanges.HoldAsync(db, mailboxId, itemIds, [trash], cancel);
            var inTrash = await db.MailItems.Where(i => itemIds.Contains(i.Id) && i.MailboxId == mailboxId && i.FolderId == trash && i.DeletedAt == null).Select(i => i.Id).ToListAsync(cancel);
            var removed = await MailRemover.RemoveAsync(db, mailboxId, inTrash, held, now, cancel);
            var moved = await ItemChanges.MoveAsync(db, mailboxId, [.. itemIds.Except(inTrash)], held, trash, now, cancel) ?? [];
            deletion = new MailDeletion(moved, removed);
            return Outcome.Done;
        }, cancel);
        return outcome.IsDone ? deletion : outcome.Refusal;
    }

    /// <summary>Brings recoverable items back into a folder; null means the Inbox.</summary>
    /// <returns>Done, <see cref="NotFound"/> for a folder that is gone, or <see cref="Conflict"/> when the mailbox has no room for them.</returns>
    public Task<Outcome> RecoverAsync(Actor actor, IReadOnlyCollection<long> itemIds, long? folderId, CancellationToken cancel) =>
        ActAsync(actor, itemIds, async (db, mailboxId) =>
        {
            var target = await db.Folders.Where(f => f.MailboxId == mailboxId && (folderId == null ? f.SpecialUse == SpecialUse.Inbox : f.Id == folderId)).Select(f => (long?)f.Id).SingleOrDefaultAsync(cancel);
            if (target is null) return new NotFound("Folder");

            await FolderRows.HoldUseAsync(db, mailboxId, cancel);
            return await RecoverAsync(db, mailboxId, itemIds, await FolderRows.HoldAsync(db, [target.Value], cancel), target.Value, cancel);
        }, cancel);

    /// <summary>Takes back a move or deletion: every item goes where it was, with a new UID.</summary>
    public Task<Outcome> UndoAsync(Actor actor, MailDeletion deletion, CancellationToken cancel) =>
        ActAsync(actor, [.. deletion.Moved.Select(m => m.ItemId), .. deletion.Removed], async (db, mailboxId) =>
        {
            await FolderRows.HoldUseAsync(db, mailboxId, cancel);
            var folders = await db.Folders.Where(f => f.MailboxId == mailboxId).Select(f => new { f.Id, f.SpecialUse }).ToListAsync(cancel);
            var held = await FolderRows.HoldAsync(db, folders.Select(f => f.Id), cancel);
            var trash = folders.Single(f => f.SpecialUse == SpecialUse.Trash).Id;
            if (deletion.Removed.Count > 0 && await RecoverAsync(db, mailboxId, deletion.Removed, held, trash, cancel) is { IsDone: false } refused) return refused;

            foreach (var source in deletion.Moved.GroupBy(m => m.FolderId))
            {
                if (await ItemChanges.MoveAsync(db, mailboxId, [.. source.Select(m => m.ItemId)], held, source.Key, clock.GetUtcNow(), cancel) is null) return new NotFound("Folder");
            }

            return Outcome.Done;
        }, cancel);

    /// <summary>Authorises, bounds, and runs one change in one transaction; then tells the feed.</summary>
    private async Task<Outcome> ActAsync(Actor actor, IReadOnlyCollection<long> itemIds, Func<PortalDbContext, Guid, Task<Outcome>> act, CancellationToken cancel)
    {
        if (!actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);
        if (itemIds.Count > MaxItems) return new Invalid("TooManyMailItems", MaxItems);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.OwnMailboxIdAsync(actor, cancel) is not { } mailboxId) return new NotFound("Mailbox");

        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var outcome = await act(db, mailboxId);
        if (!outcome.IsDone) return outcome;   // disposing the transaction rolls back

        await transaction.CommitAsync(cancel);
        feed.Publish(Change.Mail, mailboxId);
        return outcome;
    }

    private async Task<Outcome> RecoverAsync(
        PortalDbContext db, Guid mailboxId, IReadOnlyCollection<long> itemIds, Dictionary<long, HeldFolder> held, long folderId, CancellationToken cancel)
    {
        var quota = await db.Mailboxes.Where(m => m.Id == mailboxId).Select(m => m.QuotaOverrideBytes).SingleAsync(cancel);
        if (await MailRemover.RecoverAsync(db, mailboxId, itemIds, held, folderId, clock.GetUtcNow(), cancel) is null) return new NotFound("Folder");
        if (quota is { } limit && await db.MailboxUses.AnyAsync(u => u.MailboxId == mailboxId && u.Bytes > limit, cancel)) return new Conflict("MailboxFull");

        return Outcome.Done;
    }

    private async Task<MailPage> PageAsync(List<MailRow> rows, Func<MailRow, long> key, CancellationToken cancel)
    {
        var shown = rows.Count > PageRows ? rows.GetRange(0, PageRows) : rows;
        return new MailPage(await previews.FillAsync(shown, cancel), rows.Count > PageRows ? key(shown[^1]) : null);
    }
}
