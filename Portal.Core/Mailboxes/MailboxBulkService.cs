using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>Disable, enable and quota for many mailboxes at once (PORTAL §4).</summary>
public sealed class MailboxBulkService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    /// <summary>Kind of the work of large acts.</summary>
    public const string WorkKind = "mailbox.bulk";

    /// <summary>An act on more mailboxes than this becomes work carried out in turns.</summary>
    public const int MaxRowsAtOnce = 100;

    /// <summary>What an act would do; the service decides again when it is done.</summary>
    public async Task<Outcome<MailboxBulkPreview>> PreviewAsync(Actor actor, MailboxSelection selection, MailboxChange change, CancellationToken cancel)
    {
        if (!actor.May(change.Needs)) return new NotPermitted(change.Needs);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var selected = Select(db, actor, selection, change);
        var rows = await selected.CountAsync(cancel);
        var held = await db.RoleAssignments.Where(r => selected.Any(m => m.AccountId == r.AccountId)).ByAccountAsync(MaxRowsAtOnce, cancel);
        return new MailboxBulkPreview(rows, held.Count(roles => !actor.Outranks(roles)));
    }

    /// <summary>Does it at once for at most <see cref="MaxRowsAtOnce"/> mailboxes; beyond, commits the decision and leaves it to the work.</summary>
    /// <param name="actor">Needs <see cref="MailboxChange.Needs"/>; mailboxes outside its scope are not reached, those of people who may do more are left alone.</param>
    public async Task<Outcome<MailboxBulkResult>> ApplyAsync(Actor actor, MailboxSelection selection, MailboxChange change, CancellationToken cancel)
    {
        if (!actor.May(change.Needs)) return new NotPermitted(change.Needs);
        if (change.QuotaBytes < 0) return new Invalid("QuotaNegative") { Field = "Quota" };

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var selected = Select(db, actor, selection, change);
        var mailboxes = await selected.OrderBy(m => m.Id).Take(MaxRowsAtOnce + 1).ToListAsync(cancel);
        MailboxBulkResult result;
        if (mailboxes.Count <= MaxRowsAtOnce)
        {
            var (refused, changed) = await MailboxActs.ApplyAsync(db, actor, change, mailboxes, clock.GetUtcNow(), cancel);
            result = new(mailboxes.Count - refused.Count, refused, null) { Changed = changed };
        }
        else
        {
            db.ChangeTracker.Clear();
            result = new(0, [], await DecideAsync(db, actor, selection, change, selected, cancel));
        }

        if (await db.SaveChangeAsync(cancel) is { } stale) return stale;
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return result;
    }

    /// <summary>The mailboxes meant, in the actor's scope for the act.</summary>
    internal static IQueryable<Mailbox> Select(PortalDbContext db, Actor actor, MailboxSelection selection, MailboxChange change) => selection.Ids is { } ids
        ? db.Mailboxes.InScopeOf(actor, change.Needs).Where(m => ids.Contains(m.Id))
        : MailboxQueries.Matching(db, actor, selection.Query, change.Needs);

    private async Task<long> DecideAsync(PortalDbContext db, Actor actor, MailboxSelection selection, MailboxChange change, IQueryable<Mailbox> selected, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var last = await selected.OrderByDescending(m => m.Id).Select(m => m.Id).FirstAsync(cancel);
        var work = db.BeginWork(WorkKind, new MailboxBulkInput(ActorSnapshot.Of(actor), change, selection.Ids, selection.Query, last), await selected.CountAsync(cancel), actor, now);
        db.Audit.Add(AuditEntry.Change(actor, now, "mailbox.bulk", "*", null, new { change.Action, change.QuotaBytes, filter = selection.Ids is null ? selection.Query : null, rows = work.TotalRows }, selection.Query.DomainId));
        db.Raise(Change.Audit);
        await db.SaveChangesAsync(cancel);
        return work.Id;
    }
}
