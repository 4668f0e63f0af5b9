using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Audit;

/// <summary>Leaves in the audit that somebody took a list along; the rows themselves come from the list's own service, in the actor's scope.</summary>
public sealed class ExportService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    /// <summary>Tells of an export before it is handed over.</summary>
    /// <param name="actor">Who takes it; a visitor is <see cref="NotFound"/>.</param>
    /// <param name="list">Which list, such as "mailboxes".</param>
    /// <param name="query">What stands behind the question mark of its address: filters and order.</param>
    /// <param name="rows">How many rows go along.</param>
    public async Task<Outcome> RecordAsync(Actor actor, string list, string query, int rows, CancellationToken cancel)
    {
        if (actor.AccountId is null) return new NotFound("Account");
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "list.export", list, null, new { query, rows }));
        db.Raise(Change.Audit);
        await db.SaveChangesAsync(cancel);
        return Outcome.Done;
    }
}
