using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Portal.Core.Data;

/// <summary>
/// Carries hints between nodes over PostgreSQL: one LISTEN connection, at most one NOTIFY per 50 ms with what has gathered, sent
/// after the commit (inside it NOTIFY serialises all commits). Counters are compared on reconnect and every 5 s (DESIGN §7).
/// </summary>
internal sealed partial class PostgresChangeLink(IOptions<DatabaseOptions> options, IDbContextFactory<PortalDbContext> databases, ChangeFeed feed, TimeProvider clock, ILogger<PostgresChangeLink> logger) : BackgroundService
{
    private const string ChannelName = "portal_change";
    private const int MaxIdsInNotice = 150;   // a payload holds 8,000 bytes
    private static readonly TimeSpan SendInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan CompareInterval = TimeSpan.FromSeconds(5);

    private readonly string node = Guid.NewGuid().ToString("N")[..8];
    private readonly ConcurrentDictionary<(Change Area, Guid? Mailbox), byte> pending = new();

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        feed.Outbound = (area, mailbox) => pending.TryAdd((area, mailbox), 0);
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var known = new Dictionary<Change, long>();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await CarryAsync(known, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // The one catch-all of this loop: the database is away; caches live a second meanwhile.
                LogLost(logger, e.Message);
            }

            feed.IsLive = false;
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(1), clock, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
    }

    private async Task CarryAsync(Dictionary<Change, long> known, CancellationToken cancel)
    {
        await using var listener = new NpgsqlConnection(options.Value.ConnectionString);
        await listener.OpenAsync(cancel);
        listener.Notification += (_, notice) => Receive(notice.Payload);
        await using (var listen = new NpgsqlCommand($"LISTEN {ChannelName}", listener)) await listen.ExecuteNonQueryAsync(cancel);
        await CompareAsync(known, cancel);
        feed.IsLive = true;

        var nextCompare = clock.GetTimestamp();
        while (true)
        {
            // WaitAsync ends on a notice or on its own after the interval; both are the moment to send what has gathered.
            await listener.WaitAsync(SendInterval, cancel);
            await SendAsync(listener, cancel);
            if (clock.GetElapsedTime(nextCompare) < CompareInterval) continue;
            await CompareAsync(known, cancel);
            nextCompare = clock.GetTimestamp();
        }
    }

    private async Task SendAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (pending.IsEmpty) return;
        foreach (var batch in pending.Keys.Chunk(MaxIdsInNotice))
        {
            foreach (var key in batch) pending.TryRemove(key, out _);   // first: what is raised while we send is a new hint
            var payload = node + ";" + string.Join(';', batch.Select(c => c.Mailbox is { } id ? $"{(int)c.Area}:{id:N}" : ((int)c.Area).ToString(CultureInfo.InvariantCulture)));
            await using var notify = new NpgsqlCommand("SELECT pg_notify($1, $2)", connection) { Parameters = { new() { Value = ChannelName }, new() { Value = payload } } };
            var isSent = false;
            try
            {
                await notify.ExecuteNonQueryAsync(cancel);
                isSent = true;
            }
            finally
            {
                if (!isSent) foreach (var key in batch) pending.TryAdd(key, 0);   // the others trust their caches until they hear: it goes when the connection is back
            }
        }
    }

    private void Receive(string payload)
    {
        var parts = payload.Split(';');
        if (parts[0] == node) return;   // our own words
        foreach (var part in parts.Skip(1))
        {
            var halves = part.Split(':');
            if (int.TryParse(halves[0], out var area)) feed.Hear((Change)area, halves.Length > 1 && Guid.TryParse(halves[1], out var mailbox) ? mailbox : null);
        }
    }

    private async Task CompareAsync(Dictionary<Change, long> known, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        foreach (var counter in await db.ChangeCounters.AsNoTracking().ToListAsync(cancel))
        {
            if (!known.TryGetValue(counter.Area, out var before) || before != counter.Value) feed.Hear(counter.Area, null);   // also at first: what was cached until now may be older
            known[counter.Area] = counter.Value;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Change feed lost the database, trying again: {Cause}")]
    private static partial void LogLost(ILogger logger, string cause);
}
