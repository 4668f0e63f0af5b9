using System.Runtime.ExceptionServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;

namespace Portal.Core.Jobs;

/// <summary>
/// Carries out pending <see cref="Work"/>, one turn after the other (DESIGN §5). A turn holds the row of its work to the commit: other
/// nodes take other work meanwhile, what was changed or ended since the last turn is read afresh, and a kill repeats nothing.
/// </summary>
public sealed partial class WorkRunner(
    IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, IEnumerable<IWorkKind> kinds, TimeProvider clock, ILogger<WorkRunner> logger) : BackgroundService
{
    /// <summary>How often in a row a turn whose rows somebody else changed is taken again at once; beyond, it waits for the next round.</summary>
    private const int MaxConflicts = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, IWorkKind> byName = kinds.ToDictionary(k => k.Kind);
    private readonly WakeSignal wake = new();

    /// <summary>
    /// Works until nothing is pending that another node doesn't hold. What met an outage stays as it was, to be tried again, and is thrown
    /// when everything else is done.
    /// </summary>
    public async Task RunPendingAsync(CancellationToken cancel)
    {
        var later = new List<long>();
        var conflicts = 0;
        ExceptionDispatchInfo? outage = null;
        while (await NextAsync(later, cancel) is { } work)
        {
            try
            {
                if (!await TurnAsync(work, cancel)) later.Add(work.Id);
                conflicts = 0;
            }
            catch (DbUpdateConcurrencyException) when (!cancel.IsCancellationRequested)
            {
                if (++conflicts > MaxConflicts) later.Add(work.Id);   // somebody changed a row between our reading and writing: the turn reads it again
            }
            catch (Exception e) when (!cancel.IsCancellationRequested && e.IsOutage())
            {
                outage = ExceptionDispatchInfo.Capture(e);
                later.Add(work.Id);
            }
            catch (Exception e) when (!cancel.IsCancellationRequested)
            {
                // The catch-all of this loop: no later try can help; the work stops with its cause, what its earlier turns did stays done.
                LogFailed(logger, work.Id, work.Kind, e);
                await EndAsync(work, e.GetType().Name, cancel);
            }
        }

        outage?.Throw();
    }

    public override void Dispose()
    {
        wake.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var hints = feed.Subscribe((area, _) =>
        {
            if (area == Change.Work) wake.Wake();   // not for any change: mail alone makes thousands a second
        });
        await using var period = clock.CreateTimer(_ => wake.Wake(), null, Pause, Pause);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunPendingAsync(stoppingToken);
                await wake.WaitAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogOutage(logger, e);   // the database is away: the same turn again after the pause
                await Task.Delay(Pause, clock, stoppingToken);
            }
        }
    }

    private async Task<Work?> NextAsync(List<long> later, CancellationToken cancel)
    {
        var known = byName.Keys.ToList();
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Work.AsNoTracking()
            .Where(w => (w.State == WorkState.Pending || w.State == WorkState.Running) && known.Contains(w.Kind) && !later.Contains(w.Id))
            .OrderBy(w => w.Id).FirstOrDefaultAsync(cancel);
    }

    /// <summary>False when another node holds the work now.</summary>
    private async Task<bool> TurnAsync(Work seen, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (await TakeAsync(db, seen.Id, cancel) is not { } work) return false;
        if (work.EndedAt is not null) return true;

        (seen.State, seen.Cursor) = (work.State, work.Cursor);   // where this turn begins, should it fail
        var done = await byName[work.Kind].TakeTurnAsync(db, work, cancel);
        await db.SaveChangesAsync(cancel);

        var state = done.Cursor is null ? WorkState.Done : WorkState.Running;
        DateTimeOffset? endedAt = done.Cursor is null ? clock.GetUtcNow() : null;
        await db.Work.Where(w => w.Id == work.Id).ExecuteUpdateAsync(
            w => w.SetProperty(x => x.Cursor, done.Cursor).SetProperty(x => x.DoneRows, x => x.DoneRows + done.Rows).SetProperty(x => x.State, state).SetProperty(x => x.EndedAt, endedAt),
            cancel);
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return true;
    }

    /// <summary>The work as it is now, held until the transaction ends; null when another node holds it. On SQLite the transaction itself is the lock.</summary>
    private static async Task<Work?> TakeAsync(PortalDbContext db, long id, CancellationToken cancel) => db.IsPostgres
        ? (await db.Work.FromSql($"""SELECT * FROM "Work" WHERE "Id" = {id} FOR UPDATE SKIP LOCKED""").AsNoTracking().ToListAsync(cancel)).SingleOrDefault()
        : await db.Work.AsNoTracking().SingleOrDefaultAsync(w => w.Id == id, cancel);

    /// <summary>Ends what failed, unless somebody took it further meanwhile.</summary>
    private async Task EndAsync(Work work, string error, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var at = clock.GetUtcNow();
        await db.Work.Where(w => w.Id == work.Id && w.State == work.State && w.Cursor == work.Cursor).ExecuteUpdateAsync(
            w => w.SetProperty(x => x.State, WorkState.Failed).SetProperty(x => x.Error, error).SetProperty(x => x.EndedAt, at), cancel);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Work {WorkId} of kind {Kind} failed")]
    private static partial void LogFailed(ILogger logger, long workId, string kind, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pending work could not be carried on; trying again")]
    private static partial void LogOutage(ILogger logger, Exception exception);
}
