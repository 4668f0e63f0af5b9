using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Portal.Core.Data;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Data;

public class DatabaseStarterTests
{
    [Fact]
    public void Each_provider_has_a_migration_for_the_whole_model()
    {
        using var sqlite = new SqlitePortalDbContext(new DbContextOptionsBuilder<SqlitePortalDbContext>().UseSqlite("Data Source=none.db").Options);
        using var postgres = new PostgresPortalDbContext(new DbContextOptionsBuilder<PostgresPortalDbContext>().UseNpgsql("Host=127.0.0.1;Database=none").Options);

        Assert.False(sqlite.Database.HasPendingModelChanges(), "SQLite lacks a migration: eng/add-migration.sh NAME");
        Assert.False(postgres.Database.HasPendingModelChanges(), "PostgreSQL lacks a migration: eng/add-migration.sh NAME");
    }

    [Theory, BothDatabases]
    public async Task Starting_again_changes_nothing_and_several_may_start_at_once(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        await PaceAsync(Task.WhenAll(Enumerable.Range(0, 4).Select(_ => database.Get<DatabaseStarter>().StartAsync(CancellationToken.None))), database);

        Assert.Empty(await database.ReadAsync(db => db.Database.GetPendingMigrationsAsync()));
    }

    [Theory, BothDatabases]
    public async Task Several_nodes_that_find_an_empty_database_at_once_make_one_schema(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateEmptyAsync(kind);
        var nodes = Enumerable.Range(0, 3).Select(_ => database.AnotherNode()).ToList();

        var starts = Task.WhenAll(nodes.Select(node => Task.Run(() => node.Get<DatabaseStarter>().StartAsync(CancellationToken.None))));
        await PaceAsync(starts, [.. nodes]);

        foreach (var node in nodes) await node.DisposeAsync();
        var applied = await database.ReadAsync(async db => (await db.Database.GetAppliedMigrationsAsync()).ToList());
        Assert.Equal(await database.ReadAsync(db => Task.FromResult(db.Database.GetMigrations().ToList())), applied);
        Assert.Equal(1, await database.ReadAsync(db => db.SchemaVersions.CountAsync()));
        await database.AddDomainAsync();   // and it can be written to
    }

    [Fact]
    public async Task A_start_waits_for_the_node_that_migrates_longer_than_a_command_may_take_and_tells_for_whom()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        await using var other = await HoldAsync(database);
        var log = new RecordingLogger<DatabaseStarter>();
        await using var node = database.AnotherNode(services => Impatient(services).AddSingleton<ILogger<DatabaseStarter>>(log));

        var start = node.Get<DatabaseStarter>().StartAsync(CancellationToken.None);
        await log.FirstAsync();
        await ExecuteAsync(other, "SELECT pg_sleep(1.2)");   // past the command timeout, in the database's own time
        Assert.False(start.IsCompleted);
        node.Clock.Advance(TimeSpan.FromSeconds(1));
        await ExecuteAsync(other, $"SELECT pg_advisory_unlock({DatabaseStarter.MigrationLock})");
        await PaceAsync(start, node);

        Assert.Contains($"process {other.ProcessID}", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_waits_for_another_node_can_be_stopped()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        await using var other = await HoldAsync(database);
        var log = new RecordingLogger<DatabaseStarter>();
        await using var node = database.AnotherNode(services => services.AddSingleton<ILogger<DatabaseStarter>>(log));
        using var stop = new CancellationTokenSource();

        var start = node.Get<DatabaseStarter>().StartAsync(stop.Token);
        await log.FirstAsync();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
    }

    [Fact]
    public async Task A_migration_may_take_longer_than_other_commands()
    {
        await using var database = await TestDatabase.CreateEmptyAsync(DatabaseKind.Postgres);
        await database.ReadAsync(async db =>
        {
            await db.GetService<IMigrator>().MigrateAsync(db.Database.GetMigrations().First());
            return true;
        });
        await using var node = database.AnotherNode(services => Impatient(services));
        await using var reader = await OpenAsync(database);
        await ExecuteAsync(reader, """BEGIN; LOCK TABLE "__EFMigrationsHistory" IN SHARE MODE""");   // who migrates waits, who reads doesn't

        var start = node.Get<DatabaseStarter>().StartAsync(CancellationToken.None);
        await ExecuteAsync(reader, "SELECT pg_sleep(2)");
        Assert.False(start.IsCompleted, start.Exception?.ToString());
        await ExecuteAsync(reader, "COMMIT");
        await start;

        Assert.Empty(await database.ReadAsync(db => db.Database.GetPendingMigrationsAsync()));
    }

    [Fact]
    public async Task A_lock_left_by_a_killed_migration_does_not_stop_the_next_start()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.ReadAsync(async db =>
        {
            await db.Database.ExecuteSqlRawAsync("""DELETE FROM "__EFMigrationsHistory"; CREATE TABLE IF NOT EXISTS "__EFMigrationsLock" ("Id" INTEGER NOT NULL CONSTRAINT "PK___EFMigrationsLock" PRIMARY KEY, "Timestamp" TEXT NOT NULL); INSERT OR REPLACE INTO "__EFMigrationsLock" VALUES (1, 'then');""");
            foreach (var table in await db.Database.SqlQueryRaw<string>("""SELECT "name" AS "Value" FROM "sqlite_master" WHERE "type" = 'table' AND "name" NOT LIKE 'sqlite_%' AND "name" NOT LIKE '__EF%'""").ToListAsync())
                await db.Database.ExecuteSqlRawAsync("PRAGMA foreign_keys=OFF; DROP TABLE \"" + table + "\"");
            return true;
        });

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await database.Get<DatabaseStarter>().StartAsync(limit.Token);

        Assert.Empty(await database.ReadAsync(db => db.Database.GetPendingMigrationsAsync()));
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, 9, 1)]
    [InlineData(DatabaseKind.Sqlite, 1, 9)]
    [InlineData(DatabaseKind.Postgres, 9, 1)]
    [InlineData(DatabaseKind.Postgres, 1, 9)]
    public async Task A_program_older_than_the_least_reader_or_writer_is_refused_and_changes_nothing(DatabaseKind kind, int leastReader, int leastWriter)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(db => db.SchemaVersions.Update(new SchemaVersion { Id = 1, Version = 9, LeastReader = leastReader, LeastWriter = leastWriter }));
        await database.ReadAsync(db => db.Database.ExecuteSqlRawAsync("""DELETE FROM "__EFMigrationsHistory" WHERE "MigrationId" LIKE '%!_Lists' ESCAPE '!'"""));   // as if there were work to do

        var refused = await Assert.ThrowsAsync<SchemaTooNewException>(() => database.Get<DatabaseStarter>().StartAsync(CancellationToken.None));

        Assert.Equal((9, DatabaseStarter.ProgramVersion), (refused.DatabaseVersion, refused.ProgramVersion));
        Assert.Single(await database.ReadAsync(db => db.Database.GetPendingMigrationsAsync()));
        Assert.Empty(Copies(database));
    }

    [Theory, BothDatabases]
    public async Task A_later_database_that_this_program_may_read_and_write_is_opened(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(db => db.SchemaVersions.Update(new SchemaVersion { Id = 1, Version = 9, LeastReader = 1, LeastWriter = 1 }));

        await database.Get<DatabaseStarter>().StartAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_file_of_SQLite_is_copied_beside_before_a_migration_for_its_owner_alone()
    {
        await using var database = await TestDatabase.CreateEmptyAsync(DatabaseKind.Sqlite);
        await database.ReadAsync(async db =>
        {
            await db.GetService<IMigrator>().MigrateAsync(db.Database.GetMigrations().First());
            await db.Database.ExecuteSqlRawAsync("""UPDATE "SchemaVersion" SET "Version" = 0""");   // a row to know it by
            return true;
        });

        await database.Get<DatabaseStarter>().StartAsync(CancellationToken.None);
        await database.Get<DatabaseStarter>().StartAsync(CancellationToken.None);   // with nothing to do it copies nothing

        var copy = Assert.Single(Copies(database));
        Assert.Equal("portal.db.before-20261124090000", Path.GetFileName(copy));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
        Assert.Empty(await database.ReadAsync(db => db.Database.GetPendingMigrationsAsync()));
        await using var before = new SqliteConnection($"Data Source={copy};Mode=ReadOnly;Pooling=False");
        await before.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Equal("ok", Scalar(before, "PRAGMA integrity_check"));
        Assert.Equal(1L, Scalar(before, """SELECT COUNT(*) FROM "__EFMigrationsHistory" """));
        Assert.Equal(0L, Scalar(before, """SELECT "Version" FROM "SchemaVersion" """));
    }

    [Fact]
    public async Task A_new_database_of_SQLite_has_nothing_to_copy()
    {
        await using var database = await TestDatabase.CreateEmptyAsync(DatabaseKind.Sqlite);

        await database.Get<DatabaseStarter>().StartAsync(CancellationToken.None);

        Assert.Empty(Copies(database));
    }

    [Fact]
    public async Task PostgreSQL_keeps_the_queue_with_room_in_its_pages_and_cleans_it_early()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);

        var options = await database.ReadAsync(db => db.Database.SqlQueryRaw<string>("""SELECT unnest(reloptions) AS "Value" FROM pg_class WHERE oid = '"QueueEntry"'::regclass""").ToListAsync());

        Assert.Contains("fillfactor=70", options);
        Assert.Contains("autovacuum_vacuum_scale_factor=0", options);
        Assert.Contains("autovacuum_vacuum_threshold=1000", options);
    }

    [Fact]
    public async Task Each_connection_of_sqlite_is_durable_and_keeps_foreign_keys()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);

        Assert.Equal([2], await database.ReadAsync(db => db.Database.SqlQueryRaw<int>("SELECT synchronous AS \"Value\" FROM pragma_synchronous").ToListAsync()));
        Assert.Equal([1], await database.ReadAsync(db => db.Database.SqlQueryRaw<int>("SELECT foreign_keys AS \"Value\" FROM pragma_foreign_keys").ToListAsync()));
        Assert.Equal(["wal"], await database.ReadAsync(db => db.Database.SqlQueryRaw<string>("SELECT journal_mode AS \"Value\" FROM pragma_journal_mode").ToListAsync()));
        Assert.Equal([2], await database.ReadAsync(db => db.Database.SqlQueryRaw<int>("SELECT auto_vacuum AS \"Value\" FROM pragma_auto_vacuum").ToListAsync()));
    }

    /// <summary>Who finds the lock taken asks again after 100 ms of its clock.</summary>
    private static async Task PaceAsync(Task start, params IReadOnlyList<TestDatabase> nodes)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!start.IsCompleted && await pace.WaitForNextTickAsync())
            foreach (var node in nodes) node.Clock.Advance(TimeSpan.FromMilliseconds(100));
        await start;
    }

    /// <summary>Commands that take over a second fail.</summary>
    private static IServiceCollection Impatient(IServiceCollection services) => services.PostConfigure<DatabaseOptions>(o => o.ConnectionString += ";Command Timeout=1");

    private static async Task<NpgsqlConnection> HoldAsync(TestDatabase database)
    {
        var connection = await OpenAsync(database);
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({DatabaseStarter.MigrationLock})");
        return connection;
    }

    private static async Task<NpgsqlConnection> OpenAsync(TestDatabase database)
    {
        var connection = new NpgsqlConnection(database.Get<IOptions<DatabaseOptions>>().Value.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static string[] Copies(TestDatabase database) => Directory.GetFiles(database.DataFolder, "portal.db.before-*");

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
