using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Portal.Core.Data;

/// <summary>
/// Two small duties beside a SQLite file: hears what another process changed (PRAGMA data_version every 250 ms, then the counters),
/// and moves the WAL into the database on a connection of its own (PASSIVE each second; RESTART when it is large, so that it is written again from its beginning; TRUNCATE when it is large and at rest).
/// </summary>
internal sealed partial class SqliteWatcher(IOptions<StorageOptions> storage, WriteGate gate, ChangeFeed feed, TimeProvider clock, ILogger<SqliteWatcher> logger) : BackgroundService
{
    private const int FrameBytes = 4096;   // the page size the file was made with
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private long lastFrames;

    /// <summary>From here on the WAL is begun anew or cut; smaller in tests.</summary>
    internal long LargeWalBytes { get; init; } = 32L << 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        var known = new Dictionary<Change, long>();
        long lastVersion = -1;
        SqliteConnection? connection = null;
        try
        {
            for (var beat = 0; await timer.WaitForNextTickAsync(stoppingToken); beat++)
            {
                try
                {
                    connection ??= Open();
                    var version = Scalar(connection, "PRAGMA data_version");
                    if (version != lastVersion) Compare(connection, known);
                    lastVersion = version;
                    if (beat % 4 == 0) await CheckpointAsync(connection, stoppingToken);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    // The one catch-all of this loop: the file may be gone or full for a while; the next beat tries anew.
                    LogFailed(logger, e);
                    connection?.Dispose();
                    (connection, lastVersion) = (null, -1);   // versions are a connection's own
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the host stops
        }
        finally
        {
            connection?.Dispose();
        }
    }

    internal SqliteConnection Open()
    {
        var connection = new SqliteConnection(SqliteSetup.ConnectionString(storage.Value.DatabaseFile) + ";Pooling=False");
        connection.Open();
        SqliteSetup.Apply(connection);
        Scalar(connection, "PRAGMA busy_timeout=0");   // a long reader must not make a checkpoint hold the gate: the next second tries again
        return connection;
    }

    private void Compare(SqliteConnection connection, Dictionary<Change, long> known)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """SELECT "Area", "Value" FROM "ChangeCounter" """;
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var (area, value) = ((Change)reader.GetInt32(0), reader.GetInt64(1));
            if (!known.TryGetValue(area, out var before) || before != value) feed.Hear(area, null);   // also at first: what was cached until now may be older
            known[area] = value;
        }
    }

    /// <summary>What is done each second.</summary>
    internal async Task CheckpointAsync(SqliteConnection connection, CancellationToken cancel)
    {
        var wal = new FileInfo(storage.Value.DatabaseFile + "-wal");
        if (!wal.Exists || wal.Length == 0) return;
        var (frames, moved) = Checkpoint(connection, "PASSIVE");
        var isAtRest = frames == moved && frames == lastFrames;
        lastFrames = frames;
        if (isAtRest ? wal.Length < LargeWalBytes : frames < LargeWalBytes / FrameBytes) return;

        using var turn = await gate.EnterAsync(cancel);   // nobody writes meanwhile, so all frames are already moved but the last few
        Checkpoint(connection, isAtRest ? "TRUNCATE" : "RESTART");   // under load the file keeps its blocks, so that commits need not grow it anew
    }

    /// <returns>Frames in the WAL, and how many of them are in the database now.</returns>
    private static (long Frames, long Moved) Checkpoint(SqliteConnection connection, string mode)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"PRAGMA wal_checkpoint({mode})";
        using var reader = command.ExecuteReader();
        return reader.Read() ? (reader.GetInt64(1), reader.GetInt64(2)) : (0, 0);
    }

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "SQLite watcher failed; trying again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
