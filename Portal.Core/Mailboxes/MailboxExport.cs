using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>All mailboxes, page by page along the id, which grows with time: lists are paged no deeper than <see cref="Paging.CountLimit"/>, scripts want the rest too.</summary>
public sealed class MailboxExport(IDbContextFactory<PortalDbContext> databases)
{
    /// <summary>Rows of one call.</summary>
    public const int PageRows = 500;

    /// <summary>The mailboxes made after <paramref name="after"/>, the oldest first; a page shorter than <see cref="PageRows"/> is the last.</summary>
    /// <param name="actor">Needs <see cref="Capability.ViewDirectory"/>.</param>
    /// <param name="after">Last id of the page before; <see cref="Guid.Empty"/> to begin.</param>
    public async Task<Outcome<IReadOnlyList<MailboxRow>>> ListAsync(Actor actor, Guid after, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var page = MailboxQueries.Matching(db, actor, new MailboxQuery()).AsNoTracking().Where(m => m.Id > after).OrderBy(m => m.Id).Take(PageRows);
        var rows = await MailboxQueries.Rows(db, page).ToListAsync(cancel);
        rows.Sort((a, b) => string.CompareOrdinal(a.Id.ToString("N"), b.Id.ToString("N")));   // the join keeps no order; this is both databases'
        return rows;
    }
}
