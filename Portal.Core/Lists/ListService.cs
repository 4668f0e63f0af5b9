using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Lists;

/// <summary>The senders that are always let through or never. Every method needs <see cref="Capability.ManageLists"/>: for everything where an entry is for everybody, else for its domain.</summary>
public sealed class ListService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, SenderLists lists, TimeProvider clock)
{
    /// <summary>Entries in all; each node has them in memory.</summary>
    public const int MaxEntries = 20_000;

    private const int MaxConflicts = 20;

    /// <summary>A page of entries.</summary>
    public async Task<Outcome<Page<ListRow>>> SearchAsync(Actor actor, ListFilter filter, ListSort sort, bool descending, int skip, int take, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageLists)) return NotAllowed;
        await using var db = await databases.CreateDbContextAsync(cancel);
        var matching = filter.Apply(InScope(db, actor));
        var page = await matching.ToPageAsync(Sorted(Joined(db, matching), sort, descending).Select(ListRow.Shape), skip, take, cancel);
        var table = await lists.TableAsync(cancel);
        var (now, domains) = (clock.GetUtcNow(), actor.DomainsWith(Capability.ManageLists));
        return page with { Rows = [.. page.Rows.Select(r => r with { Conflicts = domains is null ? table.CountAgainst(r.Listed, now) : Visible(actor, table.Against(r.Listed, now)).Count() })] };
    }

    public async Task<Outcome<ListRow>> GetAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageLists)) return NotAllowed;
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await Joined(db, InScope(db, actor).Where(e => e.Id == id)).Select(ListRow.Shape).SingleOrDefaultAsync(cancel) is { } row ? row : new NotFound("ListEntry");
    }

    /// <summary>What other entries say against one that is there or is about to be made, each with which of the two comes first and why.</summary>
    /// <param name="id">The entry itself; null for one that is not there yet.</param>
    /// <returns>At most twenty, those that come first before the others; none for a sender that can't be read.</returns>
    public async Task<Outcome<IReadOnlyList<ListConflict>>> ConflictsAsync(Actor actor, ListDraft draft, Guid? id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageLists)) return NotAllowed;
        if (!ListDraft.TryRead(draft.Sender, out var match, out var pattern)) return Array.Empty<ListConflict>();
        var entry = new ListedSender(id ?? Guid.Empty, draft.Kind, match, pattern, draft.DomainId, draft.ExpiresAt);
        var now = clock.GetUtcNow();
        var others = Visible(actor, (await lists.TableAsync(cancel)).Against(entry, now)).Select(o => (Other: o, Order: ListTable.Order(entry, o)));
        return others.OrderBy(o => o.Order.IsFirst).Take(MaxConflicts).Select(o => new ListConflict(o.Other, o.Order.IsFirst, o.Order.By)).ToList();
    }

    /// <summary>Adds an entry; it counts for the next message.</summary>
    /// <returns>Its id, or <see cref="Invalid"/>, or <see cref="Conflict"/> when there is one for this sender in this place.</returns>
    public async Task<Outcome<Guid>> CreateAsync(Actor actor, ListDraft draft, CancellationToken cancel)
    {
        if (!May(actor, draft.DomainId)) return draft.DomainId is null ? NotAllowed : new NotFound("Domain");
        var now = clock.GetUtcNow();
        foreach (var field in ListDraft.Fields)
            if (draft.FaultOf(field, now) is { } fault) return fault;
        _ = ListDraft.TryRead(draft.Sender, out var match, out var pattern);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.ListEntries.CountAsync(cancel) >= MaxEntries) return new Conflict("ListLimit", MaxEntries);
        if (draft.DomainId is { } domainId && !await db.Domains.AnyAsync(d => d.Id == domainId, cancel)) return new NotFound("Domain");

        var entry = new ListEntry
        {
            Kind = draft.Kind,
            Match = match,
            Pattern = pattern,
            DomainId = draft.DomainId,
            ExpiresAt = draft.ExpiresAt,
            Reason = NormalReason(draft.Reason),
            CreatedAt = now,
            CreatedBy = actor.Name,
        };
        db.ListEntries.Add(entry);
        db.ListHits.Add(new ListHits { EntryId = entry.Id });
        db.Audit.Add(AuditEntry.Change(actor, now, "list.create", pattern, null, Shown(entry), entry.DomainId));
        return await SaveAsync(db, pattern, cancel) is { } refusal ? refusal : entry.Id;
    }

    /// <summary>Changes what an entry does, until when and why; its sender and its place stay.</summary>
    /// <param name="version">The version the change began from; another one meanwhile is a <see cref="Conflict"/>.</param>
    public async Task<Outcome> UpdateAsync(Actor actor, Guid id, ListDraft draft, int version, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageLists)) return NotAllowed;
        var now = clock.GetUtcNow();
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await InScope(db, actor).AsTracking().SingleOrDefaultAsync(e => e.Id == id, cancel) is not { } entry) return new NotFound("ListEntry");
        if (entry.Version != version) return Conflict.ChangedByOthers;
        if (draft.ExpiresAt != entry.ExpiresAt && draft.FaultOf(nameof(ListDraft.ExpiresAt), now) is { } expired) return expired;
        if (draft.FaultOf(nameof(ListDraft.Reason), now) is { } fault) return fault;

        var before = Shown(entry);
        (entry.Kind, entry.ExpiresAt, entry.Reason) = (draft.Kind, draft.ExpiresAt, NormalReason(draft.Reason));
        entry.Version++;
        db.Audit.Add(AuditEntry.Change(actor, now, "list.update", entry.Pattern, before, Shown(entry), entry.DomainId));
        return await SaveAsync(db, entry.Pattern, cancel) ?? Outcome.Done;
    }

    public async Task<Outcome> DeleteAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageLists)) return NotAllowed;
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await InScope(db, actor).AsTracking().SingleOrDefaultAsync(e => e.Id == id, cancel) is not { } entry) return new NotFound("ListEntry");

        db.ListEntries.Remove(entry);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "list.delete", entry.Pattern, Shown(entry), null, entry.DomainId));
        return await SaveAsync(db, entry.Pattern, cancel) ?? Outcome.Done;
    }

    private static NotPermitted NotAllowed => new(Capability.ManageLists);

    private static bool May(Actor actor, Guid? domainId) => domainId is { } id ? actor.May(Capability.ManageLists, id) : actor.MayEverywhere(Capability.ManageLists);

    private static IQueryable<ListEntry> InScope(PortalDbContext db, Actor actor) =>
        actor.DomainsWith(Capability.ManageLists) is { } visible ? db.ListEntries.AsNoTracking().Where(e => e.DomainId != null && visible.Contains(e.DomainId.Value)) : db.ListEntries.AsNoTracking();

    private static IEnumerable<ListedSender> Visible(Actor actor, IEnumerable<ListedSender> entries) =>
        actor.DomainsWith(Capability.ManageLists) is { } visible ? entries.Where(e => e.DomainId is { } id && visible.Contains(id)) : entries;

    private static IQueryable<ListRow.Joined> Joined(PortalDbContext db, IQueryable<ListEntry> entries) =>
        from entry in entries
        join hits in db.ListHits on entry.Id equals hits.EntryId
        join domain in db.Domains on entry.DomainId equals domain.Id into domains
        from domain in domains.DefaultIfEmpty()
        select new ListRow.Joined { Entry = entry, Hits = hits, Domain = domain == null ? null : domain.Name };

    private static IQueryable<ListRow.Joined> Sorted(IQueryable<ListRow.Joined> rows, ListSort sort, bool descending) => ((sort, descending) switch
    {
        (ListSort.Hits, false) => rows.OrderBy(x => x.Hits.Count),
        (ListSort.Hits, true) => rows.OrderByDescending(x => x.Hits.Count),
        (ListSort.LastHit, false) => rows.OrderBy(x => x.Hits.LastAt),
        (ListSort.LastHit, true) => rows.OrderByDescending(x => x.Hits.LastAt),
        (ListSort.Expiry, false) => rows.OrderBy(x => x.Entry.ExpiresAt == null).ThenBy(x => x.Entry.ExpiresAt),
        (ListSort.Expiry, true) => rows.OrderBy(x => x.Entry.ExpiresAt == null).ThenByDescending(x => x.Entry.ExpiresAt),
        (_, false) => rows.OrderBy(x => x.Entry.Pattern),
        (_, true) => rows.OrderByDescending(x => x.Entry.Pattern),
    }).ThenBy(x => x.Entry.Id);

    private static string? NormalReason(string? reason) => reason?.Trim() is { Length: > 0 } given ? StorableText.Cut(given, ListEntry.MaxReasonLength) : null;

    private static object Shown(ListEntry entry) => new { Kind = entry.Kind.ToString(), entry.Pattern, entry.ExpiresAt, entry.Reason };

    private async Task<Refusal?> SaveAsync(PortalDbContext db, string pattern, CancellationToken cancel)
    {
        db.Raise(Change.Lists);
        try
        {
            if (await db.SaveChangeAsync(cancel) is { } stale) return stale;
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return new Conflict("ListEntryExists", pattern);
        }

        feed.Publish(Change.Audit);
        return null;
    }
}
