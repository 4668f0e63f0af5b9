using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>Ends mailboxes whose grace is over: their mail in turns, then addresses, account and the mailbox itself in one transaction with its audit entry.</summary>
public sealed class MailboxEnder(IDbContextFactory<PortalDbContext> databases, WriteGate gate, MailRemover remover, TimeProvider clock)
{
    private const int MaxAtATime = 50;

    /// <summary>On top of the grace, so that no node with a late clock restores what another one is ending.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromHours(1);

    /// <summary>Ends what is due, at most fifty; returns how many, 0 when nothing is left.</summary>
    public async Task<int> EndDueAsync(CancellationToken cancel)
    {
        var before = clock.GetUtcNow() - MailboxService.Grace - Slack;
        var ended = 0;
        foreach (var id in await DueAsync(before, cancel))
        {
            while (!await remover.ClearMailboxAsync(id, cancel)) { }
            if (await EndAsync(id, before, cancel)) ended++;
        }

        return ended;
    }

    private async Task<List<Guid>> DueAsync(DateTimeOffset before, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Mailboxes.AsNoTracking().Where(m => m.DeletedAt != null && m.DeletedAt < before && m.State == MailboxState.Deleted)
            .OrderBy(m => m.DeletedAt).Take(MaxAtATime).Select(m => m.Id).ToListAsync(cancel);
    }

    private async Task<bool> EndAsync(Guid id, DateTimeOffset before, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var mailbox = await db.Mailboxes.AsNoTracking().SingleOrDefaultAsync(m => m.Id == id, cancel);
        if (mailbox is null) return false;   // another node was faster

        await db.Addresses.Where(a => a.MailboxId == id).ExecuteDeleteAsync(cancel);
        if (await db.Mailboxes.Where(m => m.Id == id && m.State == MailboxState.Deleted && m.DeletedAt < before).ExecuteDeleteAsync(cancel) == 0) return false;
        if (mailbox.AccountId is { } account && !await db.Mailboxes.AnyAsync(m => m.AccountId == account, cancel))
            await db.Accounts.Where(a => a.Id == account).ExecuteDeleteAsync(cancel);
        db.Audit.Add(AuditEntry.Change(Actor.System(), clock.GetUtcNow(), "mailbox.end", mailbox.PrimaryAddress, new { mailbox.Name, mailbox.DeletedAt }, null, mailbox.DomainId));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return true;
    }
}
