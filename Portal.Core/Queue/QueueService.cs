using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Queue;

/// <summary>What people may do with the queue; the engine's side is <see cref="MailQueue"/>.</summary>
public sealed class QueueService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, TimeProvider clock)
{
    /// <summary>Kind of the work of large acts.</summary>
    public const string WorkKind = "queue.act";

    /// <summary>An act on more entries than this becomes work carried out in turns, which its people see and can end.</summary>
    public const int MaxRowsAtOnce = 100;

    private const int MaxGroups = 1000;

    /// <summary>A page of entries.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewQueue"/>. Whose roles are scoped to domains sees what those domains sent.</param>
    /// <param name="filter">Which entries.</param>
    /// <param name="sort">Order; <paramref name="descending"/> turns it round. Where more than <see cref="Paging.CountLimit"/> match, all but the age is the next try.</param>
    /// <param name="skip">Entries before the page.</param>
    /// <param name="take">Entries on the page, at most <see cref="Paging.MaxTake"/>.</param>
    public async Task<Outcome<Page<QueueEntry>>> SearchAsync(Actor actor, QueueFilter filter, QueueSort sort, bool descending, int skip, int take, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQueue)) return new NotPermitted(Capability.ViewQueue);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await QueueList.ReadAsync(db, filter, await DomainsAsync(db, actor, Capability.ViewQueue, cancel), sort, descending, skip, take, cancel);
    }

    /// <summary>What matches behind an id, oldest first, at most <see cref="Paging.MaxTake"/>: for a file or a script, whose rows shall not move while they are read. A page shorter than that is the last.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewQueue"/>.</param>
    /// <param name="filter">Which entries.</param>
    /// <param name="after">Last id of the page before; 0 to begin.</param>
    public async Task<Outcome<IReadOnlyList<QueueEntry>>> AfterAsync(Actor actor, QueueFilter filter, long after, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQueue)) return new NotPermitted(Capability.ViewQueue);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await filter.Apply(await InScopeAsync(db, actor, Capability.ViewQueue, cancel)).Where(e => e.Id > after).OrderBy(e => e.Id).Take(Paging.MaxTake).ToListAsync(cancel);
    }

    /// <summary>The queue by cause and destination, the largest groups first; needs <see cref="Capability.ViewQueue"/>.</summary>
    public async Task<Outcome<IReadOnlyList<QueueGroup>>> GroupsAsync(Actor actor, QueueFilter filter, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQueue)) return new NotPermitted(Capability.ViewQueue);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var groups = await filter.Apply(await InScopeAsync(db, actor, Capability.ViewQueue, cancel))
            .GroupBy(e => new { e.Cause, e.RouteKey })
            .Select(g => new
            {
                g.Key.Cause,
                g.Key.RouteKey,
                Count = g.Count(),
                Held = g.Count(e => e.State == QueueState.Held),
                Oldest = g.Min(e => e.CreatedAt),
                Next = g.Min(e => e.NextAttemptAt),
                LastReply = g.Max(e => e.LastReply),
                FirstRule = g.Min(e => e.LastRule),
                LastRule = g.Max(e => e.LastRule),
            })
            .OrderByDescending(g => g.Count).ThenBy(g => g.RouteKey)
            .Take(MaxGroups)
            .ToListAsync(cancel);
        return groups.ConvertAll(g => new QueueGroup(g.Cause, g.RouteKey, g.Count, g.Held, g.Oldest, g.Next, g.LastReply) { Rule = g.FirstRule == g.LastRule ? g.LastRule : null });
    }

    /// <summary>One entry; needs <see cref="Capability.ViewQueue"/>.</summary>
    public async Task<Outcome<QueueEntry>> GetAsync(Actor actor, long id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQueue)) return new NotPermitted(Capability.ViewQueue);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var entry = await (await InScopeAsync(db, actor, Capability.ViewQueue, cancel)).SingleOrDefaultAsync(e => e.Id == id, cancel);
        return entry is null ? new NotFound("QueueEntry") : entry;
    }

    /// <summary>How many entries an act would change now, counted up to <see cref="Paging.CountLimit"/>; the service decides again when it is done.</summary>
    /// <param name="actor">Needs <see cref="Capability.ManageQueue"/>; counts in its scope for acting.</param>
    public async Task<Outcome<ActPreview>> PreviewAsync(Actor actor, QueueAct act, QueueSelection selection, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageQueue)) return new NotPermitted(Capability.ManageQueue);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var rows = await selection.Apply(await InScopeAsync(db, actor, Capability.ManageQueue, cancel)).Where(QueueActs.Reaches(act)).Take(Paging.CountLimit + 1).CountAsync(cancel);
        return new ActPreview(Math.Min(rows, Paging.CountLimit), rows <= Paging.CountLimit);
    }

    /// <summary>Tries entries again now.</summary>
    public Task<Outcome<QueueActResult>> RetryAsync(Actor actor, QueueSelection selection, CancellationToken cancel) => ActAsync(actor, QueueAct.Retry, selection, cancel);

    /// <summary>Keeps entries from being tried until they are released.</summary>
    public Task<Outcome<QueueActResult>> HoldAsync(Actor actor, QueueSelection selection, CancellationToken cancel) => ActAsync(actor, QueueAct.Hold, selection, cancel);

    /// <summary>Lets held entries go, at once.</summary>
    public Task<Outcome<QueueActResult>> ReleaseAsync(Actor actor, QueueSelection selection, CancellationToken cancel) => ActAsync(actor, QueueAct.Release, selection, cancel);

    /// <summary>Removes entries; with <paramref name="notifySender"/> each sender is told by DSN, as far as they asked for one.</summary>
    public Task<Outcome<QueueActResult>> DeleteAsync(Actor actor, QueueSelection selection, bool notifySender, CancellationToken cancel) =>
        ActAsync(actor, notifySender ? QueueAct.Return : QueueAct.Delete, selection, cancel);

    /// <summary>Does <paramref name="act"/> with the selected entries that nobody is delivering at this moment.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ManageQueue"/>.</param>
    /// <returns>What was done, <see cref="NotPermitted"/>, or <see cref="NotFound"/> when a named entry is gone or out of scope.</returns>
    public async Task<Outcome<QueueActResult>> ActAsync(Actor actor, QueueAct act, QueueSelection selection, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageQueue)) return new NotPermitted(Capability.ManageQueue);

        using var turn = await gate.EnterAsync(cancel);   // one writer at a time on SQLite (DESIGN §5)
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var selected = selection.Apply(await InScopeAsync(db, actor, Capability.ManageQueue, cancel)).OrderBy(e => e.Id);
        var entries = await selected.Take(MaxRowsAtOnce + 1).ToListAsync(cancel);
        if (entries.Count == 0 && selection.Ids is { Count: 1 }) return new NotFound("QueueEntry");

        var at = clock.GetUtcNow();
        var target = entries is [var only] ? only.ForwardPath : selection.Describe();
        QueueActResult result;
        if (entries.Count <= MaxRowsAtOnce)
        {
            var changed = (await QueueActs.ApplyAsync(db, act, entries, actor.Name, at, cancel)).Changed;
            result = new QueueActResult(changed.Count, null) { Changed = changed };
            db.Audit.Add(AuditEntry.Change(actor, at, ActionOf(act), target, null, new { rows = result.Rows }));
            await db.SaveChangesAsync(cancel);
        }
        else
        {
            var work = db.BeginWork(WorkKind, new QueueActInput(act, selection.Filter, selection.Ids, await DomainsAsync(db, actor, Capability.ManageQueue, cancel), await selected.MaxAsync(e => e.Id, cancel)), await selected.CountAsync(cancel), actor, at);
            db.Audit.Add(AuditEntry.Change(actor, at, ActionOf(act), target, null, new { rows = work.TotalRows }));
            await db.SaveChangesAsync(cancel);
            result = new QueueActResult(0, work.Id);
        }

        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        feed.Publish(Change.Queue);
        feed.Publish(Change.Audit);
        return result;
    }

    /// <summary>Key of the audit's Actions resource.</summary>
    internal static string ActionOf(QueueAct act) => act switch
    {
        QueueAct.Retry => "queue.retry",
        QueueAct.Hold => "queue.hold",
        QueueAct.Release => "queue.release",
        QueueAct.Delete => "queue.delete",
        _ => "queue.return",
    };

    /// <summary>The entries an actor sees: all, or what the domains of their roles sent.</summary>
    private static async Task<IQueryable<QueueEntry>> InScopeAsync(PortalDbContext db, Actor actor, Capability capability, CancellationToken cancel) =>
        QueueActs.SentBy(db.QueueEntries.AsNoTracking(), await DomainsAsync(db, actor, capability, cancel));

    private static async Task<IReadOnlyList<string>?> DomainsAsync(PortalDbContext db, Actor actor, Capability capability, CancellationToken cancel)
    {
        if (actor.DomainsWith(capability) is not { } domains) return null;
        return await db.Domains.AsNoTracking().Where(d => domains.Contains(d.Id)).Select(d => d.Name).ToListAsync(cancel);
    }
}
