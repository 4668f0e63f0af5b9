using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;

namespace Portal.Core.Messages;

/// <summary>Input of the work on a whole folder.</summary>
/// <param name="Below">Only items with a smaller UID: what came after the decision stays.</param>
public sealed record FolderTask(Guid MailboxId, long FolderId, long Below);

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

/// <summary>Carries out, in turns, what <see cref="FolderService"/> decided about more than 500 items: resumable, and idempotent in every turn.</summary>
public sealed class MailWork(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, TimeProvider clock)
{
    public const string DeleteFolder = "mail.folder.delete";
    public const string EmptyFolder = "mail.folder.empty";

    /// <summary>One turn of the oldest such work. Returns false when there is none.</summary>
    public async Task<bool> RunTurnAsync(CancellationToken cancel)
    {
        Guid mailboxId;
        using (var turn = await gate.EnterAsync(cancel))
        {
            await using var db = await databases.CreateDbContextAsync(cancel);
            await using var transaction = await db.Database.BeginTransactionAsync(cancel);
            var work = await db.Work.AsTracking()
                .Where(w => (w.Kind == DeleteFolder || w.Kind == EmptyFolder) && (w.State == WorkState.Pending || w.State == WorkState.Running))
                .OrderBy(w => w.Id).FirstOrDefaultAsync(cancel);
            if (work is null) return false;

            var task = JsonSerializer.Deserialize<FolderTask>(work.Input) ?? throw new InvalidOperationException($"Work {work.Id} has no input.");
            mailboxId = task.MailboxId;
            var now = clock.GetUtcNow();
            var result = work.Kind == EmptyFolder
                ? await FolderTurns.EmptyAsync(db, mailboxId, task.FolderId, task.Below, now, cancel)
                : await FolderTurns.DeleteAsync(db, mailboxId, task.FolderId, now, cancel);
            work.DoneRows += result.Rows;
            work.State = result.IsDone ? WorkState.Done : WorkState.Running;
            work.EndedAt = result.IsDone ? now : null;
            await db.SaveChangesAsync(cancel);
            await transaction.CommitAsync(cancel);
        }

        feed.Publish(Change.Mail, mailboxId);
        return true;
    }
}
