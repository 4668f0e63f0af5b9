using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Jobs;

/// <summary>How far work has come.</summary>
/// <param name="Action">What it does: a key of the Actions resource.</param>
/// <param name="Total">Rows in all when it began; an estimate.</param>
/// <param name="Refused">The rows it left alone so far.</param>
public sealed record WorkProgress(long Id, string Kind, string Action, WorkState State, long Done, long Total, string ActorName, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt, IReadOnlyList<WorkRefusal> Refused)
{
    public bool IsRunning => EndedAt is null;
}

/// <summary>Large acts as those see them who began them or answer for their kind (<see cref="IWorkKind.Needs"/>); other work reads as not there.</summary>
public sealed class WorkService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, IEnumerable<IWorkKind> kinds, TimeProvider clock)
{
    private const int MaxListed = 20;
    private static readonly TimeSpan Recent = TimeSpan.FromDays(1);
    private readonly Dictionary<string, IWorkKind> byName = kinds.ToDictionary(k => k.Kind);

    /// <summary>One work, running or ended.</summary>
    public async Task<Outcome<WorkProgress>> GetAsync(Actor actor, long id, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await VisibleTo(actor, db).SingleOrDefaultAsync(w => w.Id == id, cancel) is { } work ? Tell(work) : new NotFound("Work");
    }

    /// <summary>What of a kind runs, or ended within a day; the newest first.</summary>
    public async Task<Outcome<IReadOnlyList<WorkProgress>>> RecentAsync(Actor actor, string kind, CancellationToken cancel)
    {
        var since = clock.GetUtcNow() - Recent;
        await using var db = await databases.CreateDbContextAsync(cancel);
        return (await VisibleTo(actor, db).Where(w => w.Kind == kind && (w.EndedAt == null || w.EndedAt >= since)).OrderByDescending(w => w.Id).Take(MaxListed).ToListAsync(cancel)).ConvertAll(Tell);
    }

    /// <summary>What the actor began and is not done yet; the newest first.</summary>
    public async Task<Outcome<IReadOnlyList<WorkProgress>>> OwnRunningAsync(Actor actor, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return (await Running(VisibleTo(actor, db)).Where(w => w.ActorName == actor.Name).OrderByDescending(w => w.Id).Take(MaxListed).ToListAsync(cancel)).ConvertAll(Tell);
    }

    /// <summary>Ends work before its next turn; what is done stays done.</summary>
    /// <returns>Done, <see cref="NotFound"/>, or <see cref="Conflict"/> when it has ended already.</returns>
    public async Task<Outcome> CancelAsync(Actor actor, long id, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (await VisibleTo(actor, db).SingleOrDefaultAsync(w => w.Id == id, cancel) is not { } work) return new NotFound("Work");

        var now = clock.GetUtcNow();   // a turn under way holds the row: this waits for its end
        var ended = await Running(db.Work).Where(w => w.Id == id).ExecuteUpdateAsync(w => w.SetProperty(x => x.State, WorkState.Cancelled).SetProperty(x => x.EndedAt, now), cancel);
        if (ended == 0) return new Conflict("WorkEnded");

        db.Audit.Add(AuditEntry.Change(actor, now, "work.cancel", byName[work.Kind].ActionOf(work), null, new { work = id, by = work.ActorName }));
        db.Raise(Change.Audit);
        db.Raise(Change.Work);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return Outcome.Done;
    }

    /// <summary>What the actor may see, so that what is not theirs reads as not there.</summary>
    private IQueryable<Work> VisibleTo(Actor actor, PortalDbContext db)
    {
        if (actor.Kind == ActorKind.Visitor) return db.Work.AsNoTracking().Where(w => false);
        var own = byName.Values.Where(k => k.Needs is not { } needs || actor.May(needs)).Select(k => k.Kind).ToList();
        var all = byName.Values.Where(k => k.Needs is { } needs && actor.MayEverywhere(needs)).Select(k => k.Kind).ToList();
        return db.Work.AsNoTracking().Where(w => all.Contains(w.Kind) || (own.Contains(w.Kind) && w.ActorName == actor.Name));
    }

    private static IQueryable<Work> Running(IQueryable<Work> works) => works.Where(w => w.State == WorkState.Pending || w.State == WorkState.Running);

    private WorkProgress Tell(Work work) => new(
        work.Id, work.Kind, byName[work.Kind].ActionOf(work), work.State, work.DoneRows, work.TotalRows, work.ActorName, work.CreatedAt, work.EndedAt, WorkResults.Read(work.Results));
}
