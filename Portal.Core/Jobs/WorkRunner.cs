using System.Runtime.ExceptionServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;

namespace Portal.Core.Jobs;

/// <summary>
/// Carries out pending <see cref="Work"/>, one turn after the other (DESIGN §5). Each turn's commit is conditional on the cursor it
/// began at: two nodes may try, one of them wins, and a kill repeats nothing.
/// </summary>
public sealed partial class WorkRunner(
    IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, IEnumerable<IWorkKind> kinds, TimeProvider clock, ILogger<WorkRunner> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, IWorkKind> byName = kinds.ToDictionary(k => k.Kind);
    private readonly SemaphoreSlim wake = new(0, 1);

    /// <summary>Works until nothing is pending. What met an outage stays as it was, to be tried again, and is thrown when everything else is done.</summary>
    public async Task RunPendingAsync(CancellationToken cancel)
    {
        var later = new List<long>();
        ExceptionDispatchInfo? outage = null;
        while (await NextAsync(later, cancel) is { } work)
        {
            try
            {
                await TurnAsync(work, cancel);
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
            if (area == Change.Work) Wake();   // not for any change: mail alone makes thousands a second
        });
        await using var period = clock.CreateTimer(_ => Wake(), null, Pause, Pause);
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

    private void Wake()
    {
        if (wake.CurrentCount == 0)
        {
            try
            {
                wake.Release();
            }
            catch (SemaphoreFullException)
            {
                // Somebody else woke it in the same moment.
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

    private async Task TurnAsync(Work work, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var done = await byName[work.Kind].TakeTurnAsync(db, work, cancel);
        await db.SaveChangesAsync(cancel);

        var state = done.Cursor is null ? WorkState.Done : WorkState.Running;
        DateTimeOffset? endedAt = done.Cursor is null ? clock.GetUtcNow() : null;
        var mine = await db.Work
            .Where(w => w.Id == work.Id && w.Cursor == work.Cursor && w.State == work.State)
            .ExecuteUpdateAsync(
                w => w.SetProperty(x => x.Cursor, done.Cursor).SetProperty(x => x.DoneRows, x => x.DoneRows + done.Rows).SetProperty(x => x.State, state).SetProperty(x => x.EndedAt, endedAt),
                cancel);
        if (mine == 0) return;   // another node took this turn: ours is rolled back

        await transaction.CommitAsync(cancel);
        db.PublishRaised();
    }

    private async Task EndAsync(Work work, string error, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var at = clock.GetUtcNow();
        await db.Work.Where(w => w.Id == work.Id).ExecuteUpdateAsync(
            w => w.SetProperty(x => x.State, WorkState.Failed).SetProperty(x => x.Error, error).SetProperty(x => x.EndedAt, at), cancel);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Work {WorkId} of kind {Kind} failed")]
    private static partial void LogFailed(ILogger logger, long workId, string kind, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pending work could not be carried on; trying again")]
    private static partial void LogOutage(ILogger logger, Exception exception);
}
