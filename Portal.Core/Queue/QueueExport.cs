using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Queue;

/// <summary>The whole queue, page by page along the id: lists are paged no deeper than <see cref="Paging.CountLimit"/>, scripts want the rest too.</summary>
public sealed class QueueExport(IDbContextFactory<PortalDbContext> databases)
{
    /// <summary>Rows of one call.</summary>
    public const int PageRows = 500;

    /// <summary>The entries behind <paramref name="after"/>, oldest first; a page shorter than <see cref="PageRows"/> is the last.</summary>
    /// <param name="actor">Needs <see cref="Capability.ViewQueue"/> for everything: who is scoped to domains has the list.</param>
    /// <param name="after">Last id of the page before; 0 to begin.</param>
    public async Task<Outcome<IReadOnlyList<QueueEntry>>> ListAsync(Actor actor, long after, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQueue) || actor.DomainsWith(Capability.ViewQueue) is not null) return new NotPermitted(Capability.ViewQueue);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.QueueEntries.AsNoTracking().Where(e => e.Id > after).OrderBy(e => e.Id).Take(PageRows).ToListAsync(cancel);
    }
}
