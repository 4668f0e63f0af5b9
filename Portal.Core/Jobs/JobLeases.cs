using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;

namespace Portal.Core.Jobs;

/// <summary>
/// One node at a time for each job, and not again before it is due (DESIGN §7). A lease has a fence number that only grows, and is
/// renewed while the round runs; a node that died holds a job up for <see cref="Length"/>. On PostgreSQL only the database's clock is asked.
/// </summary>
public sealed partial class JobLeases(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ThisNode node, TimeProvider clock, ILogger<JobLeases> logger)
{
    /// <summary>So long a lease lives without being renewed.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(30);

    /// <summary>Runs a round of the job, unless another node is at it or the last one is younger than about <paramref name="every"/>.</summary>
    /// <param name="job">Its name, such as "mail.keep".</param>
    /// <param name="every">How often it is due; nodes that look at different times do not make it more often.</param>
    /// <param name="round">Given a token that ends also when the lease is lost; it must bear being broken off and begun again.</param>
    /// <param name="cancel">The host stops.</param>
    /// <returns>False when it was not run to its end here.</returns>
    public async Task<bool> RunAsync(string job, TimeSpan every, Func<CancellationToken, Task> round, CancellationToken cancel)
    {
        if (await TakeAsync(job, every * 0.75, cancel) is not { } fence) return false;

        var isDone = false;
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var ended = new CancellationTokenSource();
        var renewing = RenewAsync(job, fence, lost, ended.Token);
        try
        {
            await round(lost.Token);
            isDone = true;
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            LogLost(logger, job);
        }
        finally
        {
            await ended.CancelAsync();
            await renewing;
            await EndAsync(job, fence, isDone);
        }

        return isDone;
    }

    /// <summary>The fence number of the lease; null when it is somebody else's, or not due.</summary>
    private async Task<long?> TakeAsync(string job, TimeSpan rest, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (db.IsPostgres)
        {
            var taken = await db.Database.SqlQuery<long>(
                $"""
                INSERT INTO "JobLease" ("Job", "Owner", "Until", "Fence") VALUES ({job}, {node.Id}, now() + {Length}, 1)
                ON CONFLICT ("Job") DO UPDATE SET "Owner" = EXCLUDED."Owner", "Until" = EXCLUDED."Until", "Fence" = "JobLease"."Fence" + 1
                WHERE ("JobLease"."Owner" IS NULL OR "JobLease"."Until" <= now()) AND ("JobLease"."LastRunAt" IS NULL OR "JobLease"."LastRunAt" <= now() - {rest})
                RETURNING "Fence" AS "Value"
                """).ToListAsync(cancel);
            return taken is [var number] ? number : null;
        }

        var now = clock.GetUtcNow();
        var lease = await db.JobLeases.SingleOrDefaultAsync(l => l.Job == job, cancel);
        if (lease is not null && ((lease.Owner is not null && lease.Until > now) || lease.LastRunAt > now - rest)) return null;

        if (lease is null) db.JobLeases.Add(lease = new JobLease { Job = job });
        (lease.Owner, lease.Until) = (node.Id, now + Length);
        lease.Fence++;
        await db.SaveChangesAsync(cancel);
        return lease.Fence;
    }

    /// <summary>Renews until the round has ended; breaks it off when the lease is another's.</summary>
    private async Task RenewAsync(string job, long fence, CancellationTokenSource lost, CancellationToken ended)
    {
        using var timer = new PeriodicTimer(RenewEvery, clock);
        var renewedAt = clock.GetTimestamp();
        while (await NextAsync(timer, ended))
        {
            try
            {
                var rows = await ChangeAsync(job, fence, isEnd: false, ranHere: false, ended);
                if (rows > 0) renewedAt = clock.GetTimestamp();
                else await lost.CancelAsync();
            }
            catch (Exception e) when (!ended.IsCancellationRequested)
            {
                LogNotRenewed(logger, job, e);   // the database is away: the round fails by itself, or goes on in time
                if (clock.GetElapsedTime(renewedAt) >= Length) await lost.CancelAsync();
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken ended)
    {
        try
        {
            return await timer.WaitForNextTickAsync(ended);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task EndAsync(string job, long fence, bool ranHere)
    {
        try
        {
            await ChangeAsync(job, fence, isEnd: true, ranHere, CancellationToken.None);
        }
        catch (Exception e)
        {
            LogNotRenewed(logger, job, e);   // it ends by itself
        }
    }

    private async Task<int> ChangeAsync(string job, long fence, bool isEnd, bool ranHere, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (db.IsPostgres)
        {
            return isEnd
                ? await db.Database.ExecuteSqlAsync($"""UPDATE "JobLease" SET "Owner" = NULL, "LastRunAt" = CASE WHEN {ranHere} THEN now() ELSE "LastRunAt" END WHERE "Job" = {job} AND "Owner" = {node.Id} AND "Fence" = {fence}""", cancel)
                : await db.Database.ExecuteSqlAsync($"""UPDATE "JobLease" SET "Until" = now() + {Length} WHERE "Job" = {job} AND "Owner" = {node.Id} AND "Fence" = {fence}""", cancel);
        }

        var now = clock.GetUtcNow();
        var ours = db.JobLeases.Where(l => l.Job == job && l.Owner == node.Id && l.Fence == fence);
        if (!isEnd) return await ours.ExecuteUpdateAsync(l => l.SetProperty(x => x.Until, now + Length), cancel);
        return ranHere
            ? await ours.ExecuteUpdateAsync(l => l.SetProperty(x => x.Owner, (Guid?)null).SetProperty(x => x.LastRunAt, now), cancel)
            : await ours.ExecuteUpdateAsync(l => l.SetProperty(x => x.Owner, (Guid?)null), cancel);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease of job {Job} went to another node; its round is broken off")]
    private static partial void LogLost(ILogger logger, string job);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease of job {Job} could not be written")]
    private static partial void LogNotRenewed(ILogger logger, string job, Exception exception);
}
