using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;

namespace Portal.Core.Messages;

/// <summary>Input of the work on a whole folder.</summary>
/// <param name="Below">Only items with a smaller UID: what came after the decision stays.</param>
internal sealed record FolderTask(Guid MailboxId, long FolderId, long Below)
{
    public static FolderTask Of(Work work) => JsonSerializer.Deserialize<FolderTask>(work.Input) ?? throw new InvalidOperationException($"Work {work.Id} has no input.");

    /// <summary>The rows are their own cursor: what a turn did is not found by the next.</summary>
    public WorkTurn Next(PortalDbContext db, Work work, TurnResult turn)
    {
        db.Touch(MailboxId);
        return new WorkTurn(turn.IsDone ? null : (work.DoneRows + turn.Rows).ToString(CultureInfo.InvariantCulture), turn.Rows);
    }
}

/// <summary>How far a turn got.</summary>
internal readonly record struct TurnResult(int Rows, bool IsDone);

/// <summary>One turn of at most 500 items over a folder; repeated until done. The caller owns gate and transaction.</summary>
internal static class FolderTurns
{
    /// <summary>Moves what is in the folder to Trash and, once it is empty, deletes it.</summary>
    public static async Task<TurnResult> DeleteAsync(PortalDbContext db, Guid mailboxId, long folderId, DateTimeOffset now, CancellationToken cancel)
    {
        var trash = await db.Folders.Where(f => f.MailboxId == mailboxId && f.SpecialUse == SpecialUse.Trash).Select(f => f.Id).SingleAsync(cancel);
        var ids = await db.MailItems.Where(i => i.FolderId == folderId && i.Uid != null).OrderBy(i => i.Uid).Take(ItemChanges.MaxRows).Select(i => i.Id).ToListAsync(cancel);
        if (ids.Count > 0) await ItemChanges.MoveAsync(db, mailboxId, ids, await FolderRows.HoldAsync(db, [folderId, trash], cancel), trash, now, cancel);
        if (ids.Count == ItemChanges.MaxRows) return new(ids.Count, false);

        // Recoverable items only remember the folder; they remember Trash from now on.
        var recoverable = await db.MailItems.Where(i => i.FolderId == folderId && i.DeletedAt != null).OrderBy(i => i.Id).Take(ItemChanges.MaxRows).Select(i => i.Id).ToListAsync(cancel);
        await db.MailItems.Where(i => recoverable.Contains(i.Id)).ExecuteUpdateAsync(i => i.SetProperty(x => x.FolderId, trash), cancel);
        if (recoverable.Count == ItemChanges.MaxRows) return new(ids.Count + recoverable.Count, false);

        await db.Folders.Where(f => f.Id == folderId && f.MailboxId == mailboxId).ExecuteDeleteAsync(cancel);
        return new(ids.Count + recoverable.Count, true);
    }

    /// <summary>Makes what is in the folder recoverable.</summary>
    public static async Task<TurnResult> EmptyAsync(PortalDbContext db, Guid mailboxId, long folderId, long below, DateTimeOffset now, CancellationToken cancel)
    {
        var ids = await db.MailItems.Where(i => i.FolderId == folderId && i.Uid != null && i.Uid < below).OrderBy(i => i.Uid).Take(ItemChanges.MaxRows).Select(i => i.Id).ToListAsync(cancel);
        if (ids.Count > 0)
        {
            await FolderRows.HoldUseAsync(db, mailboxId, cancel);
            await MailRemover.RemoveAsync(db, mailboxId, ids, await FolderRows.HoldAsync(db, [folderId], cancel), now, cancel);
        }

        return new(ids.Count, ids.Count < ItemChanges.MaxRows);
    }
}

/// <summary>Empties a folder of more than 500 items, in turns; each finds what is left.</summary>
internal sealed class EmptyFolderWork(TimeProvider clock) : IWorkKind
{
    public const string Name = "mail.folder.empty";

    public string Kind => Name;

    public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
    {
        var task = FolderTask.Of(work);
        return task.Next(db, work, await FolderTurns.EmptyAsync(db, task.MailboxId, task.FolderId, task.Below, clock.GetUtcNow(), cancel));
    }
}

/// <summary>Deletes a folder of more than 500 items, in turns; each finds what is left.</summary>
internal sealed class DeleteFolderWork(TimeProvider clock) : IWorkKind
{
    public const string Name = "mail.folder.delete";

    public string Kind => Name;

    public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
    {
        var task = FolderTask.Of(work);
        return task.Next(db, work, await FolderTurns.DeleteAsync(db, task.MailboxId, task.FolderId, clock.GetUtcNow(), cancel));
    }
}
