using Microsoft.EntityFrameworkCore;
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

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => database.Get<DatabaseStarter>().StartAsync(CancellationToken.None)));

        Assert.Empty(await database.ReadAsync(db => db.Database.GetPendingMigrationsAsync()));
    }

    [Theory, BothDatabases]
    public async Task Several_nodes_that_find_an_empty_database_at_once_make_one_schema(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateEmptyAsync(kind);
        var nodes = Enumerable.Range(0, 3).Select(_ => database.AnotherNode()).ToList();

        var starts = Task.WhenAll(nodes.Select(node => Task.Run(() => node.Get<DatabaseStarter>().StartAsync(CancellationToken.None))));
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!starts.IsCompleted && await pace.WaitForNextTickAsync())
            foreach (var node in nodes) node.Clock.Advance(TimeSpan.FromMilliseconds(100));   // who finds the lock taken asks again after that time
        await starts;

        foreach (var node in nodes) await node.DisposeAsync();
        var applied = await database.ReadAsync(async db => (await db.Database.GetAppliedMigrationsAsync()).ToList());
        Assert.Equal(await database.ReadAsync(db => Task.FromResult(db.Database.GetMigrations().ToList())), applied);
        Assert.Equal(1, await database.ReadAsync(db => db.SchemaVersions.CountAsync()));
        await database.AddDomainAsync();   // and it can be written to
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

    [Theory, BothDatabases]
    public async Task A_database_of_a_later_program_is_refused_in_words(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(db => db.SchemaVersions.Update(new SchemaVersion { Id = 1, Version = 9, LeastReader = 9, LeastWriter = 9 }));

        var refused = await Assert.ThrowsAsync<SchemaTooNewException>(() => database.Get<DatabaseStarter>().StartAsync(CancellationToken.None));
        Assert.Contains("schema version 9", refused.Message, StringComparison.Ordinal);
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
}
