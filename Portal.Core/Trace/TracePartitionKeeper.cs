using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Portal.Core.Data;

namespace Portal.Core.Trace;

/// <summary>Makes the weekly partitions of the trace ahead of time; on SQLite it has nothing to do.</summary>
public sealed partial class TracePartitionKeeper(IDbContextFactory<PortalDbContext> databases, TimeProvider clock, ILogger<TracePartitionKeeper> logger) : BackgroundService
{
    /// <summary>Weeks made ahead of the present one: the keeper may fail for a month before the default partition is touched.</summary>
    internal const int WeeksAhead = 4;

    private const long AdvisoryLock = 0x5765656B73;   // any constant of ours; "Weeks"
    private static readonly TimeSpan Interval = TimeSpan.FromHours(6);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var isDone = true;
            try
            {
                if (!await KeepAsync(stoppingToken)) return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogKeepFailed(logger, e);   // the loop's one catch-all: weeks ahead are there, and the default partition takes the rest
                isDone = false;
            }

            await Task.Delay(isDone ? Interval : RetryAfter, clock, stoppingToken);
        }
    }

    /// <summary>Makes what is missing from the week before this one to <see cref="WeeksAhead"/>.</summary>
    /// <returns>False where there are no partitions to keep.</returns>
    internal async Task<bool> KeepAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (!db.IsPostgres) return false;

        var monday = MondayOf(clock.GetUtcNow());
        for (var week = -1; week <= WeeksAhead; week++)
            foreach (var table in TracePartitions.Tables)
                await MakeAsync(db, table, monday.AddDays(7 * week), cancel);
        return true;
    }

    /// <summary>The name of a week's partition, such as "MessageTrace_20261123".</summary>
    internal static string NameOf(string table, DateTimeOffset monday) => string.Create(CultureInfo.InvariantCulture, $"{table}_{monday:yyyyMMdd}");

    /// <summary>The Monday that a partition's name tells; null for one that is no week's.</summary>
    internal static DateTimeOffset? MondayOf(string table, string name) =>
        name.StartsWith(table + "_", StringComparison.Ordinal) && DateTimeOffset.TryParseExact(name[(table.Length + 1)..], "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var monday) ? monday : null;

    internal static DateTimeOffset MondayOf(DateTimeOffset at) => new(at.UtcDateTime.Date.AddDays(-(((int)at.UtcDateTime.DayOfWeek + 6) % 7)), TimeSpan.Zero);

    private async Task MakeAsync(PortalDbContext db, string table, DateTimeOffset monday, CancellationToken cancel)
    {
        var name = NameOf(table, monday);
        var (from, until) = (TraceIds.LowestAt(monday), TraceIds.LowestAt(monday.AddDays(7)));
        try
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancel);
            await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({AdvisoryLock})", cancel);   // another node may be making the same week
            if (await db.Database.SqlQuery<bool>($"""SELECT to_regclass(format('%I', {name})) IS NOT NULL AS "Value" """).SingleAsync(cancel)) return;

            // Mail waits while the table is locked: rather try again later than hold it up behind a long reader.
            await db.Database.ExecuteSqlRawAsync("SET LOCAL lock_timeout = '2s'", cancel);
#pragma warning disable EF1002   // names and ids are made above, nothing of them comes from outside
            await db.Database.ExecuteSqlRawAsync($"""CREATE TABLE "{name}" PARTITION OF "{table}" FOR VALUES FROM ('{from}') TO ('{until}')""", cancel);
#pragma warning restore EF1002
            await transaction.CommitAsync(cancel);
            LogMade(logger, name);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.CheckViolation)
        {
            LogLeftInDefault(logger, name);   // rows of that week are in the default partition already; they stay found there
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Trace partition {Partition} made")]
    private static partial void LogMade(ILogger logger, string partition);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Trace partition {Partition} can't be made: the default partition holds rows of its week")]
    private static partial void LogLeftInDefault(ILogger logger, string partition);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The weekly partitions of the trace could not be made; the next try follows in a minute")]
    private static partial void LogKeepFailed(ILogger logger, Exception e);
}
