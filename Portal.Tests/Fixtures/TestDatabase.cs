using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Domains;

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
    private readonly string? connection;
    private readonly bool isOwner;
    private readonly List<IHostedService> running = [];

    private TestDatabase(DatabaseKind kind, string dataFolder, string? postgresName, string? connection, bool isOwner, ServiceProvider services) =>
        (Kind, DataFolder, this.postgresName, this.connection, this.isOwner, this.services) = (kind, dataFolder, postgresName, connection, isOwner, services);

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
        string? connection = null;
        if (kind == DatabaseKind.Sqlite)
        {
            File.Copy(await SqliteTemplate.Value, Path.Combine(folder, "portal.db"));
        }
        else
        {
            var server = await PostgresServer.SharedAsync();
            name = await server.CreateDatabaseAsync(await PostgresTemplate.Value);
            connection = server.ConnectionString(name);
        }

        return new TestDatabase(kind, folder, name, connection, true, BuildServices(kind, folder, connection, configure));
    }

    /// <summary>A database without a table, as a first start finds it.</summary>
    public static async Task<TestDatabase> CreateEmptyAsync(DatabaseKind kind)
    {
        var folder = TestFolder.Create();
        var server = kind == DatabaseKind.Postgres ? await PostgresServer.SharedAsync() : null;
        var name = server is null ? null : await server.CreateDatabaseAsync();
        var connection = name is null ? null : server!.ConnectionString(name);
        return new TestDatabase(kind, folder, name, connection, true, BuildServices(kind, folder, connection, null));
    }

    /// <summary>Another node: services of its own on the same database. Dispose it first.</summary>
    public TestDatabase AnotherNode(Action<IServiceCollection>? configure = null) => new(Kind, DataFolder, postgresName, connection, false, BuildServices(Kind, DataFolder, connection, configure));

    /// <summary>Starts the background parts (mail writer, trace writer, change links) until the database is disposed; without it none runs.</summary>
    public async Task<TestDatabase> StartAsync()
    {
        foreach (var part in services.GetServices<IHostedService>())
        {
            await part.StartAsync(CancellationToken.None);
            running.Add(part);
        }

        return this;
    }

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    /// <summary>One of the background parts.</summary>
    internal T Part<T>() where T : IHostedService => services.GetServices<IHostedService>().OfType<T>().Single();

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
        foreach (var part in Enumerable.Reverse(running)) await part.StopAsync(CancellationToken.None);
        await services.DisposeAsync();
        if (!isOwner) return;
        if (Kind == DatabaseKind.Sqlite) SqliteConnection.ClearAllPools();
        else await (await PostgresServer.SharedAsync()).DropDatabaseAsync(postgresName!);
    }

    private static ServiceProvider BuildServices(DatabaseKind kind, string folder, string? connection, Action<IServiceCollection>? configure)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Portal:DataFolder"] = folder,
            ["Portal:DiskFloorBytes"] = "0",
            ["Portal:Database:Provider"] = kind.ToString(),
            ["Portal:Database:ConnectionString"] = connection,
        }).Build();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddLogging();
        services.AddSingleton<TimeProvider>(new FakeTimeProvider(Start));
        services.AddPortalCore(configuration);
        services.AddSingleton<FakeKeyRecords>();
        services.AddSingleton<IKeyRecordLookup>(provider => provider.GetRequiredService<FakeKeyRecords>());
        configure?.Invoke(services);
        return services.BuildServiceProvider();
    }

    private static async Task<string> MakeSqliteTemplateAsync()
    {
        var folder = TestFolder.Create();
        await MigrateAsync(DatabaseKind.Sqlite, folder, null);
        SqliteConnection.ClearAllPools();
        return Path.Combine(folder, "portal.db");
    }

    private static async Task<string> MakePostgresTemplateAsync()
    {
        var server = await PostgresServer.SharedAsync();
        var name = await server.CreateDatabaseAsync();
        await MigrateAsync(DatabaseKind.Postgres, TestFolder.Create(), server.ConnectionString(name));
        await using var connection = new NpgsqlConnection(server.ConnectionString(name));
        NpgsqlConnection.ClearPool(connection);
        return name;
    }

    private static async Task MigrateAsync(DatabaseKind kind, string folder, string? connection)
    {
        await using var services = BuildServices(kind, folder, connection, null);
        await services.GetRequiredService<DatabaseStarter>().StartAsync(CancellationToken.None);
    }
}
