using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;
using Portal.Core.Queue;

namespace Portal.Core.Jobs;

/// <summary>
/// Says every ten seconds that this process lives, and gives the claims of dead ones back to the queue (DESIGN §4), and its own that it
/// never heard of. On SQLite there is one process: what was claimed before its start is free at once. On PostgreSQL only the database's
/// clock tells who is dead.
/// </summary>
public sealed partial class NodeHeartbeat(
    IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, ThisNode node, MailQueue queue, TimeProvider clock, ILogger<NodeHeartbeat> logger) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Without a beat for so long a process counts as dead; six missed beats are no hiccup.</summary>
    public static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(60);

    private readonly DateTimeOffset startedAt = clock.GetUtcNow();

    /// <summary>Registers this process before anything of it can claim.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await EndAsync(cancellationToken);
        }
        catch (Exception e) when (e.IsOutage())
        {
            LogUnsaid(logger, e);   // a full disk, a database that is away: others find the process dead, and the next start gives back what it held
        }
    }

    /// <summary>One beat, and the claims set free of the dead and of nobody here.</summary>
    public async Task BeatAsync(CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (db.IsPostgres)
        {
            var rows = await db.Database.ExecuteSqlAsync($"""UPDATE "Node" SET "HeartbeatAt" = now() WHERE "Id" = {node.Id}""", cancel);
            if (rows == 0) await RegisterAsync(db, cancel);   // declared dead while it could not beat: its old claims are others' now
            await FreeDeadAsync(db, cancel);
        }
        else
        {
            var at = clock.GetUtcNow();
            await db.Nodes.Where(n => n.Id == node.Id).ExecuteUpdateAsync(n => n.SetProperty(x => x.HeartbeatAt, at), cancel);
        }

        var unknown = await queue.FreeUnknownAsync(db, cancel);
        if (unknown == 0) return;
        LogUnknown(logger, unknown);
        feed.Publish(Change.Queue);
    }

    internal async Task BeginAsync(CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (db.IsPostgres)
        {
            await RegisterAsync(db, cancel);
            await FreeDeadAsync(db, cancel);
            return;
        }

        await db.Nodes.ExecuteDeleteAsync(cancel);
        var freed = await db.QueueEntries.Where(e => e.State == QueueState.Claimed)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.State, QueueState.Due).SetProperty(x => x.Owner, (Guid?)null), cancel);
        db.Nodes.Add(new Node { Id = node.Id, HostName = Environment.MachineName, StartedAt = startedAt, HeartbeatAt = startedAt });
        await db.SaveChangesAsync(cancel);
        if (freed > 0) LogFreed(logger, freed);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await NextAsync(timer, stoppingToken))
        {
            try
            {
                await BeatAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogMissed(logger, e);   // the database is away; the next beat tries again
            }
        }
    }

    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken stopping)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task RegisterAsync(PortalDbContext db, CancellationToken cancel)
    {
        var name = Environment.MachineName;
        await db.Database.ExecuteSqlAsync(
            $"""INSERT INTO "Node" ("Id", "HostName", "StartedAt", "HeartbeatAt") VALUES ({node.Id}, {name}, {startedAt.ToUniversalTime()}, now()) ON CONFLICT ("Id") DO UPDATE SET "HeartbeatAt" = now()""", cancel);
    }

    private async Task FreeDeadAsync(PortalDbContext db, CancellationToken cancel)
    {
        await db.Database.ExecuteSqlAsync($"""DELETE FROM "Node" WHERE "HeartbeatAt" < now() - {DeadAfter}""", cancel);
        var freed = await db.Database.ExecuteSqlAsync(
            $"""
            UPDATE "QueueEntry" SET "State" = {(int)QueueState.Due}, "Owner" = NULL
            WHERE "Owner" IS NOT NULL AND "State" = {(int)QueueState.Claimed} AND NOT EXISTS (SELECT 1 FROM "Node" WHERE "Node"."Id" = "QueueEntry"."Owner")
            """,
            cancel);
        if (freed == 0) return;
        LogFreed(logger, freed);
        feed.Publish(Change.Queue);
    }

    private async Task EndAsync(CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await db.QueueEntries.Where(e => e.Owner == node.Id && e.State == QueueState.Claimed)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.State, QueueState.Due).SetProperty(x => x.Owner, (Guid?)null), cancel);
        await db.Nodes.Where(n => n.Id == node.Id).ExecuteDeleteAsync(cancel);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Gave {Count} queue entries of dead processes back to the queue")]
    private static partial void LogFreed(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Gave {Count} queue entries that nobody here works on back to the queue")]
    private static partial void LogUnknown(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The end of this process could not be written")]
    private static partial void LogUnsaid(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A heartbeat could not be written")]
    private static partial void LogMissed(ILogger logger, Exception exception);
}
