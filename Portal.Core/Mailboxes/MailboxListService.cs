using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>The list of mailboxes.</summary>
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
}
