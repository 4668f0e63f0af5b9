using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>A person's own folders: make, rename, delete, empty. Those of special use stay as they are.</summary>
public sealed class FolderService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, TimeProvider clock)
{
    /// <summary>Folders a mailbox may have; every page reads them all.</summary>
    public const int MaxFolders = 1000;

    private const int MaxNameLength = 100;

    /// <summary>Makes a folder at the top level.</summary>
    /// <returns>Its id, <see cref="Invalid"/> for a name that can't be taken, or <see cref="Conflict"/> when there is one of that name.</returns>
    public async Task<Outcome<long>> CreateAsync(Actor actor, string name, CancellationToken cancel)
    {
        Folder? made = null;
        var outcome = await ActAsync(actor, async (db, mailboxId) =>
        {
            if (Check(ref name) is { } refusal) return refusal;
            if (await db.Folders.CountAsync(f => f.MailboxId == mailboxId, cancel) >= MaxFolders) return new Conflict("TooManyFolders", MaxFolders);
            if (await IsTakenAsync(db, mailboxId, null, null, name, cancel)) return new Conflict("FolderExists", name);

            made = new Folder { MailboxId = mailboxId, Name = name, UidValidity = clock.GetUtcNow().ToUnixTimeSeconds() };
            db.Folders.Add(made);
            return await SaveAsync(db, name, cancel);
        }, cancel);
        return outcome.IsDone ? made!.Id : outcome.Refusal;
    }

    /// <summary>Renames one's own folder; its UIDs stay (RFC 3501 §6.3.5).</summary>
    public Task<Outcome> RenameAsync(Actor actor, long folderId, string name, CancellationToken cancel) => ActAsync(actor, async (db, mailboxId) =>
    {
        if (Check(ref name) is { } refusal) return refusal;
        var folder = await db.Folders.AsTracking().SingleOrDefaultAsync(f => f.Id == folderId && f.MailboxId == mailboxId, cancel);
        if (folder is null) return new NotFound("Folder");
        if (folder.SpecialUse != SpecialUse.None) return new Conflict("FolderIsFixed");
        if (await IsTakenAsync(db, mailboxId, folder.ParentId, folderId, name, cancel)) return new Conflict("FolderExists", name);

        folder.Name = name;
        return await SaveAsync(db, name, cancel);
    }, cancel);

    /// <summary>
    /// Deletes one's own folder; what is in it goes to Trash. Up to 500 items at once, more in turns by <see cref="WorkRunner"/>: the answer tells
    /// which.
    /// </summary>
    /// <returns>Whether it is done already, or <see cref="NotFound"/>, <see cref="Conflict"/>.</returns>
    public async Task<Outcome<bool>> DeleteAsync(Actor actor, long folderId, CancellationToken cancel)
    {
        var isDone = false;
        var outcome = await ActAsync(actor, async (db, mailboxId) =>
        {
            var folder = await db.Folders.SingleOrDefaultAsync(f => f.Id == folderId && f.MailboxId == mailboxId, cancel);
            if (folder is null) return new NotFound("Folder");
            if (folder.SpecialUse != SpecialUse.None) return new Conflict("FolderIsFixed");
            if (await db.Folders.AnyAsync(f => f.ParentId == folderId, cancel)) return new Conflict("FolderHasFolders");

            isDone = await FolderTurns.DeleteAsync(db, mailboxId, folderId, clock.GetUtcNow(), cancel) is { IsDone: true };
            if (!isDone) Later(db, actor, DeleteFolderWork.Name, mailboxId, folderId, folder.Items);
            await db.SaveChangesAsync(cancel);
            return Outcome.Done;
        }, cancel);
        return outcome.IsDone ? isDone : outcome.Refusal;
    }

    /// <summary>Empties Trash or Junk: everything in it becomes recoverable for 14 days. Up to 500 items at once, more in turns.</summary>
    /// <returns>Whether it is done already, or <see cref="NotFound"/>, <see cref="Conflict"/>.</returns>
    public async Task<Outcome<bool>> EmptyAsync(Actor actor, long folderId, CancellationToken cancel)
    {
        var isDone = false;
        var outcome = await ActAsync(actor, async (db, mailboxId) =>
        {
            var folder = await db.Folders.SingleOrDefaultAsync(f => f.Id == folderId && f.MailboxId == mailboxId, cancel);
            if (folder is null) return new NotFound("Folder");
            if (folder.SpecialUse is not (SpecialUse.Trash or SpecialUse.Junk)) return new Conflict("FolderNotEmptied");

            isDone = await FolderTurns.EmptyAsync(db, mailboxId, folderId, folder.UidNext, clock.GetUtcNow(), cancel) is { IsDone: true };
            if (!isDone) Later(db, actor, EmptyFolderWork.Name, mailboxId, folderId, folder.Items, folder.UidNext);
            await db.SaveChangesAsync(cancel);
            return Outcome.Done;
        }, cancel);
        return outcome.IsDone ? isDone : outcome.Refusal;
    }

    private void Later(PortalDbContext db, Actor actor, string kind, Guid mailboxId, long folderId, long items, long below = 0)
    {
        db.BeginWork(kind, new FolderTask(mailboxId, folderId, below), items, actor, clock.GetUtcNow());
    }

    private async Task<Outcome> ActAsync(Actor actor, Func<PortalDbContext, Guid, Task<Outcome>> act, CancellationToken cancel)
    {
        if (!actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.OwnMailboxIdAsync(actor, cancel) is not { } mailboxId) return new NotFound("Mailbox");

        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var outcome = await act(db, mailboxId);
        if (!outcome.IsDone) return outcome;

        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        feed.Publish(Change.Mail, mailboxId);
        return outcome;
    }

    private static Invalid? Check(ref string name)
    {
        name = name.Trim().Normalize(NormalizationForm.FormC);
        if (name.Length is 0 or > MaxNameLength) return new Invalid("FolderNameLength", MaxNameLength) { Field = "Name" };

        // "/" separates levels in IMAP, "%" and "*" are its wildcards (RFC 3501 §6.3.8).
        return name.Any(c => char.IsControl(c) || c is '/' or '\\' or '%' or '*') ? new Invalid("FolderNameCharacters") { Field = "Name" } : null;
    }

    // INBOX is one name in any case (RFC 3501 §5.1).
    private static async Task<bool> IsTakenAsync(PortalDbContext db, Guid mailboxId, long? parentId, long? exceptId, string name, CancellationToken cancel) =>
        string.Equals(name, "INBOX", StringComparison.OrdinalIgnoreCase)
        || await db.Folders.AnyAsync(f => f.MailboxId == mailboxId && f.ParentId == parentId && f.Name == name && f.Id != exceptId, cancel);

    private static async Task<Outcome> SaveAsync(PortalDbContext db, string name, CancellationToken cancel)
    {
        try
        {
            await db.SaveChangesAsync(cancel);
            return Outcome.Done;
        }
        catch (DbUpdateException e) when (e.IsDuplicate())   // somebody made one of this name since we looked
        {
            return new Conflict("FolderExists", name);
        }
    }
}
