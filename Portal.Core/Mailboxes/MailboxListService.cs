using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>Mailboxes as lists and pages show them.</summary>
public sealed class MailboxListService(IDbContextFactory<PortalDbContext> databases)
{
    /// <summary>One page of the mailboxes in scope.</summary>
    public async Task<Outcome<Page<MailboxRow>>> SearchAsync(Actor actor, MailboxQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var matching = MailboxQueries.Matching(db, actor, query).AsNoTracking();
        var ordered = MailboxQueries.Ordered(matching, query.Sort, query.Descending);
        return await matching.ToPageAsync(ordered, page => MailboxQueries.Rows(db, page), query.Skip, query.Take, cancel);
    }

    /// <summary>One mailbox.</summary>
    public async Task<Outcome<MailboxDetail>> GetAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var found = db.Mailboxes.AsNoTracking().InScopeOf(actor).Where(m => m.Id == id);
        var row = await MailboxQueries.Rows(db, found).SingleOrDefaultAsync(cancel);
        if (row is null) return new NotFound("Mailbox");

        var createdAt = await found.Select(m => m.CreatedAt).SingleAsync(cancel);
        var domain = await db.Domains.Where(d => d.Id == row.DomainId).Select(d => d.DisplayName).SingleAsync(cancel);
        var use = await db.MailboxUses.AsNoTracking().SingleOrDefaultAsync(u => u.MailboxId == id, cancel);
        return new MailboxDetail(row, domain, use?.Items ?? 0, use?.FullSince, createdAt, actor.Outranks(await db.RolesOfAsync(row.AccountId, cancel)));
    }
}
