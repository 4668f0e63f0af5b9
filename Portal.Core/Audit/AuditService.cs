using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Audit;

/// <summary>Who did what. It reads; entries are appended by the acts themselves, each in its own transaction.</summary>
public sealed class AuditService(IDbContextFactory<PortalDbContext> databases)
{
    /// <summary>How many reasons are offered again (PORTAL §5).</summary>
    public const int ReasonsOffered = 5;

    private const int EntriesLookedAt = 500;

    /// <summary>Lists are counted exactly up to here.</summary>
    public const int CountLimit = Paging.CountLimit;

    /// <summary>Entries, newest first.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewAudit"/>. Whose role is scoped to domains sees what was done in those.</param>
    /// <param name="query">What to look for.</param>
    /// <param name="cancel">Stops the call.</param>
    /// <returns>A page or <see cref="NotPermitted"/>.</returns>
    public async Task<Outcome<AuditPage>> SearchAsync(Actor actor, AuditQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewAudit)) return new NotPermitted(Capability.ViewAudit);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await PageAsync(Narrowed(InScope(db.Audit, actor), query), query, cancel);
    }

    /// <summary>How many entries match, counted up to <see cref="CountLimit"/>; the answer <see cref="CountLimit"/> + 1 means more.</summary>
    /// <returns>A number or <see cref="NotPermitted"/>.</returns>
    public async Task<Outcome<int>> CountAsync(Actor actor, AuditQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewAudit)) return new NotPermitted(Capability.ViewAudit);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await Narrowed(InScope(db.Audit, actor), query with { Before = null }).Take(CountLimit + 1).CountAsync(cancel);
    }

    /// <summary>One entry.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewAudit"/>, except for their own entries.</param>
    /// <param name="id">The entry.</param>
    /// <param name="cancel">Stops the call.</param>
    /// <returns>The entry, <see cref="NotPermitted"/> or <see cref="NotFound"/>.</returns>
    public async Task<Outcome<AuditEntry>> GetAsync(Actor actor, long id, CancellationToken cancel)
    {
        var maySeeAll = actor.May(Capability.ViewAudit);
        if (!maySeeAll && actor.AccountId is null) return new NotPermitted(Capability.ViewAudit);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var visible = maySeeAll ? InScope(db.Audit, actor) : db.Audit.Where(e => e.ActorId == actor.AccountId);
        var entry = await visible.AsNoTracking().SingleOrDefaultAsync(e => e.Id == id, cancel);
        return entry is null ? new NotFound("AuditEntry") : entry;
    }

    /// <summary>The last reasons the actor gave, newest first, to be offered again; none for who has no account.</summary>
    public async Task<IReadOnlyList<string>> RecentReasonsAsync(Actor actor, CancellationToken cancel)
    {
        if (actor.AccountId is not { } own) return [];
        await using var db = await databases.CreateDbContextAsync(cancel);
        // Of the last acts only: an act on many mailboxes has as many entries, all with one reason.
        var reasons = await db.Audit.AsNoTracking().Where(e => e.ActorId == own).OrderByDescending(e => e.Id).Take(EntriesLookedAt).Select(e => e.Reason).ToListAsync(cancel);
        return [.. reasons.OfType<string>().Distinct().Take(ReasonsOffered)];
    }

    private static IQueryable<AuditEntry> InScope(IQueryable<AuditEntry> entries, Actor actor) =>
        actor.DomainsWith(Capability.ViewAudit) is { } visible ? entries.Where(e => e.DomainId != null && visible.Contains(e.DomainId.Value)) : entries;

    private static IQueryable<AuditEntry> Narrowed(IQueryable<AuditEntry> entries, AuditQuery query)
    {
        if (query.ActorId is { } actorId) entries = entries.Where(e => e.ActorId == actorId);
        if (query.Target is { Length: > 0 } target) entries = entries.Where(e => e.Target == target);
        if (query.Action is { Length: > 0 } action) entries = action.EndsWith('.') ? entries.Where(e => e.Action.StartsWith(action)) : entries.Where(e => e.Action == action);
        if (query.From is { } from) entries = entries.Where(e => e.At >= from);
        if (query.Until is { } until) entries = entries.Where(e => e.At < until);
        if (query.Before is { } before) entries = entries.Where(e => e.Id < before);
        if (query.Text?.Trim() is not { Length: > 0 } text) return entries;

        var folded = text.ToLowerInvariant();
#pragma warning disable CA1304, CA1311, CA1862   // translated to SQL
        return entries.Where(e => e.ActorName.ToLower().Contains(folded) || e.Target.ToLower().Contains(folded) || (e.Reason != null && e.Reason.ToLower().Contains(folded)));
#pragma warning restore CA1304, CA1311, CA1862
    }

    private static async Task<AuditPage> PageAsync(IQueryable<AuditEntry> entries, AuditQuery query, CancellationToken cancel)
    {
        var limit = Math.Clamp(query.Limit, 1, AuditQuery.MaxLimit);
        var page = await entries.AsNoTracking().OrderByDescending(e => e.Id).Take(limit + 1).ToListAsync(cancel);
        return page.Count > limit ? new AuditPage(page[..limit], page[limit - 1].Id) : new AuditPage(page, null);
    }
}
