using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Portal.Core.Data;

/// <summary>Brings the database to this program's schema; safe when several nodes start at once and after a kill in the middle.</summary>
public sealed partial class DatabaseStarter(
    IDbContextFactory<PortalDbContext> databases, WriteGate gate, IOptions<StorageOptions> storage, IOptions<DatabaseOptions> options, TimeProvider clock, ILogger<DatabaseStarter> logger)
{
    /// <summary>Schema version this program writes.</summary>
    public const int ProgramVersion = 1;

    /// <summary>PostgreSQL's advisory lock that whoever migrates holds: any constant of ours; "Portal".</summary>
    internal const long MigrationLock = 0x506F7274616C;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan TellAgain = TimeSpan.FromSeconds(30);

    /// <summary>Whether a database is there at all; the command line refuses to make one.</summary>
    public async Task<bool> ExistsAsync(CancellationToken cancel)
    {
        if (options.Value.Provider == DatabaseProvider.Sqlite && !File.Exists(storage.Value.DatabaseFile)) return false;
        await using var db = await databases.CreateDbContextAsync(cancel);
        try
        {
            await db.Database.OpenConnectionAsync(cancel);   // a server that is away throws: nobody can say that there is no system
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            return false;
        }

        return (await db.Database.GetAppliedMigrationsAsync(cancel)).Any();
    }

    /// <summary>Migrates where needed; throws <see cref="SchemaTooNewException"/> when the database belongs to a later program.</summary>
    public Task StartAsync(CancellationToken cancel) =>
        options.Value.Provider == DatabaseProvider.Sqlite ? StartSqliteAsync(cancel) : StartPostgresAsync(cancel);

    private async Task StartSqliteAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(storage.Value.DataFolder);
        using var guard = await OwnLockAsync(cancel);
        var isNew = PrepareFile();
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await DemandVersionAsync(db, isNew, cancel);
        if (!(await db.Database.GetPendingMigrationsAsync(cancel)).Any()) return;

        if (!isNew) CopyBeside(storage.Value.DatabaseFile);
        // A killed migration leaves its row and every later start would wait for ever (dotnet/efcore #38958); we hold our own lock.
        await db.Database.ExecuteSqlRawAsync("""CREATE TABLE IF NOT EXISTS "__EFMigrationsLock" ("Id" INTEGER NOT NULL CONSTRAINT "PK___EFMigrationsLock" PRIMARY KEY, "Timestamp" TEXT NOT NULL); DELETE FROM "__EFMigrationsLock";""", cancel);
        await db.Database.MigrateAsync(cancel);
        LogMigrated(logger, "SQLite");
    }

    private async Task StartPostgresAsync(CancellationToken cancel)
    {
        await using var guard = await databases.CreateDbContextAsync(cancel);
        await guard.Database.OpenConnectionAsync(cancel);
        await LockAsync(guard, cancel);
        try
        {
            await using var db = await databases.CreateDbContextAsync(cancel);
            db.Database.SetCommandTimeout(0);   // none: an index over a large table takes what it takes, and half a migration helps nobody
            var isNew = !(await db.Database.GetAppliedMigrationsAsync(cancel)).Any();
            await DemandVersionAsync(db, isNew, cancel);
            if (!(await db.Database.GetPendingMigrationsAsync(cancel)).Any()) return;
            await db.Database.MigrateAsync(cancel);
            LogMigrated(logger, "PostgreSQL");
        }
        finally
        {
            await guard.Database.ExecuteSqlAsync($"SELECT pg_advisory_unlock({MigrationLock})", CancellationToken.None);
        }
    }

    /// <summary>
    /// Waits for PostgreSQL's lock however long another node migrates: it is asked for again and again, since a waiting statement would
    /// run into the command timeout. It is freed with its connection, also by a kill.
    /// </summary>
    private async Task LockAsync(PortalDbContext guard, CancellationToken cancel)
    {
        long? toldAt = null;
        while (!(await guard.Database.SqlQuery<bool>($"SELECT pg_try_advisory_lock({MigrationLock}) AS \"Value\"").ToListAsync(cancel)).Single())
        {
            if (toldAt is not { } told || clock.GetElapsedTime(told) >= TellAgain)
            {
                LogWaiting(logger, await HolderAsync(guard, cancel) ?? "another session");
                toldAt = clock.GetTimestamp();
            }

            await Task.Delay(AskAgain, clock, cancel);
        }
    }

    /// <summary>Who holds the lock: address and process of its connection; null when it has just gone. A lock's key stands in two halves (pg_locks).</summary>
    private static async Task<string?> HolderAsync(PortalDbContext guard, CancellationToken cancel) =>
        (await guard.Database.SqlQuery<string>(
            $"""
            SELECT COALESCE(host(a.client_addr), 'local') || ', process ' || a.pid || ', since ' || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS "Value"
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND (l.classid::bigint << 32 | l.objid::bigint) = {MigrationLock} AND l.objsubid = 1
            """).ToListAsync(cancel)).FirstOrDefault();

    private static async Task DemandVersionAsync(PortalDbContext db, bool isNew, CancellationToken cancel)
    {
        if (isNew || !(await db.Database.GetAppliedMigrationsAsync(cancel)).Any()) return;
        var version = await db.SchemaVersions.AsNoTracking().SingleOrDefaultAsync(cancel);
        // A program that may only read is refused too: none of ours only reads, a command line writes its audit.
        if (version is not null && Math.Max(version.LeastReader, version.LeastWriter) > ProgramVersion) throw new SchemaTooNewException(version.Version, ProgramVersion);
    }

    /// <summary>Sets what must be set before the first table; true when there was no database.</summary>
    private bool PrepareFile()
    {
        var isNew = !File.Exists(storage.Value.DatabaseFile);
        using var connection = new SqliteConnection(SqliteSetup.ConnectionString(storage.Value.DatabaseFile));
        connection.Open();
        SqliteSetup.Apply(connection);
        using var command = connection.CreateCommand();
        command.CommandText = (isNew ? "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; " : "") + "PRAGMA journal_mode=WAL;";
        command.ExecuteNonQuery();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(storage.Value.DatabaseFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return isNew;
    }

    private void CopyBeside(string file)
    {
        var copy = $"{file}.before-{clock.GetUtcNow():yyyyMMddHHmmss}";
        PrivateFile.Create(copy).Dispose();   // VACUUM INTO takes an empty file, and keeps its mode
        using var source = new SqliteConnection(SqliteSetup.ConnectionString(file));
        source.Open();
        using var command = source.CreateCommand();
        command.CommandText = "VACUUM INTO $copy";
        command.Parameters.AddWithValue("$copy", copy);
        command.ExecuteNonQuery();
        LogCopied(logger, copy);
    }

    /// <summary>One process at a time migrates a SQLite file; the lock goes with the process.</summary>
    private async Task<FileStream> OwnLockAsync(CancellationToken cancel)
    {
        var path = Path.Combine(storage.Value.DataFolder, "migrate.lock");
        for (var tries = 0; ; tries++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (tries < 600)
            {
                await Task.Delay(AskAgain, clock, cancel);   // another process migrates; a minute is plenty
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Database schema brought up to date ({Provider})")]
    private static partial void LogMigrated(ILogger logger, string provider);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The start waits until another node has brought the database up to date ({Holder})")]
    private static partial void LogWaiting(ILogger logger, string holder);

    [LoggerMessage(Level = LogLevel.Information, Message = "Database copied before the migration to {Copy}")]
    private static partial void LogCopied(ILogger logger, string copy);
}

/// <summary>The database was made by a later program, and this one must not touch it; the host words it (<c>HostText</c>).</summary>
public sealed class SchemaTooNewException(int databaseVersion, int programVersion) : Exception($"The database has schema version {databaseVersion}; this program knows {programVersion}.")
{
    public int DatabaseVersion { get; } = databaseVersion;

    public int ProgramVersion { get; } = programVersion;
}
