using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Data;

namespace Portal.Tests.Fixtures;

/// <summary>
/// The Core services on a fresh database of their own, with a clock that stands still until the test moves it. The migrated
/// database is made once a run and copied.
/// </summary>
public sealed class TestDatabase : IAsyncDisposable
{
    /// <summary>Where the clock stands at first.</summary>
    public static readonly DateTimeOffset Start = new(2026, 11, 24, 9, 0, 0, TimeSpan.Zero);

    private static readonly Lazy<Task<string>> SqliteTemplate = new(MakeSqliteTemplateAsync);
    private static readonly Lazy<Task<string>> PostgresTemplate = new(MakePostgresTemplateAsync);
    private readonly ServiceProvider services;
    private readonly string? postgresName;

    private TestDatabase(DatabaseKind kind, string dataFolder, string? postgresName, ServiceProvider services) =>
        (Kind, DataFolder, this.postgresName, this.services) = (kind, dataFolder, postgresName, services);

    public DatabaseKind Kind { get; }

    public string DataFolder { get; }

    public IServiceProvider Services => services;

    public IDbContextFactory<PortalDbContext> Databases => Get<IDbContextFactory<PortalDbContext>>();

    public WriteGate Gate => Get<WriteGate>();

    public ChangeFeed Feed => Get<ChangeFeed>();

    public FakeTimeProvider Clock => (FakeTimeProvider)Get<TimeProvider>();

    public static async Task<TestDatabase> CreateAsync(DatabaseKind kind, Action<IServiceCollection>? configure = null)
    {
        var folder = TestFolder.Create();
        string? name = null;
        string connection;
        if (kind == DatabaseKind.Sqlite)
        {
            var file = Path.Combine(folder, "portal.db");
            File.Copy(await SqliteTemplate.Value, file);
            connection = $"Data Source={file}";
        }
        else
        {
            var server = await PostgresServer.SharedAsync();
            name = await server.CreateDatabaseAsync(await PostgresTemplate.Value);
            connection = server.ConnectionString(name);
        }

        return new TestDatabase(kind, folder, name, BuildServices(kind, connection, configure));
    }

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    /// <summary>Reads in a context of its own.</summary>
    public async Task<T> ReadAsync<T>(Func<PortalDbContext, Task<T>> read)
    {
        await using var db = await Databases.CreateDbContextAsync();
        return await read(db);
    }

    /// <summary>Changes in a context of its own, at the gate, and saves.</summary>
    public async Task WriteAsync(Action<PortalDbContext> change)
    {
        using var turn = await Gate.EnterAsync(CancellationToken.None);
        await using var db = await Databases.CreateDbContextAsync();
        change(db);
        await db.SaveChangesAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        if (Kind == DatabaseKind.Sqlite) SqliteConnection.ClearAllPools();
        else await (await PostgresServer.SharedAsync()).DropDatabaseAsync(postgresName!);
    }

    private static ServiceProvider BuildServices(DatabaseKind kind, string connection, Action<IServiceCollection>? configure)
    {
        var services = new ServiceCollection();
        services.AddSingleton(typeof(Microsoft.Extensions.Logging.ILogger<>), typeof(NullLogger<>));
        services.AddSingleton<TimeProvider>(new FakeTimeProvider(Start));
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton(new WriteGate(isOpen: kind == DatabaseKind.Postgres));
        services.AddSingleton<IDbContextFactory<PortalDbContext>>(p => new Factory(kind, connection, p.GetRequiredService<WriteGate>(), p.GetRequiredService<ChangeFeed>()));
        configure?.Invoke(services);
        return services.BuildServiceProvider();
    }

    private static async Task<string> MakeSqliteTemplateAsync()
    {
        var file = Path.Combine(TestFolder.Create(), "template.db");
        await MigrateAsync(DatabaseKind.Sqlite, $"Data Source={file}");
        SqliteConnection.ClearAllPools();
        return file;
    }

    private static async Task<string> MakePostgresTemplateAsync()
    {
        var server = await PostgresServer.SharedAsync();
        var name = await server.CreateDatabaseAsync();
        await MigrateAsync(DatabaseKind.Postgres, server.ConnectionString(name));
        await using var connection = new Npgsql.NpgsqlConnection(server.ConnectionString(name));
        Npgsql.NpgsqlConnection.ClearPool(connection);
        return name;
    }

    private static async Task MigrateAsync(DatabaseKind kind, string connection)
    {
        await using var services = BuildServices(kind, connection, null);
        await using var db = await services.GetRequiredService<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
        await db.Database.EnsureCreatedAsync();
    }

    private sealed class Factory(DatabaseKind kind, string connection, WriteGate gate, ChangeFeed feed) : IDbContextFactory<PortalDbContext>
    {
        public PortalDbContext CreateDbContext() => kind == DatabaseKind.Sqlite
            ? new SqlitePortalDbContext(new DbContextOptionsBuilder<SqlitePortalDbContext>().UseSqlite(connection).Options) { Gate = gate, Feed = feed }
            : new PostgresPortalDbContext(new DbContextOptionsBuilder<PostgresPortalDbContext>().UseNpgsql(connection).Options) { Gate = gate, Feed = feed };
    }
}
