using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Accounts;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Web.Hosting;

namespace Portal.Tests.Fixtures;

/// <summary>What a test wants of its host.</summary>
public sealed record PortalHostWishes
{
    public DatabaseKind Database { get; init; }

    /// <summary>False leaves the system without an administrator, as a first start does.</summary>
    public bool IsSetUp { get; init; } = true;

    /// <summary>Further settings, such as "Portal:Smtp:MaxErrors" = "3".</summary>
    public Dictionary<string, string?> Settings { get; init; } = [];

    /// <summary>Changes services before the host is built: a clock, a fault.</summary>
    public Action<WebApplicationBuilder>? Configure { get; init; }

    /// <summary>Where it keeps its data; null makes a new folder.</summary>
    public string? DataFolder { get; init; }
}

/// <summary>The whole program in this process, on free ports, with a folder and a name server of its own.</summary>
public sealed class PortalHost : IAsyncDisposable
{
    public const string Domain = "portal.test";

    public const string AdminAddress = "admin@portal.test";

    /// <summary>The password of the administrator and of every mailbox the host makes.</summary>
    public const string Password = "correct horse 電池 staple";

    private readonly Server server;
    private readonly string? postgresName;

    private PortalHost(Server server, TestDns dns, Dictionary<string, string?> settings, string? postgresName)
    {
        (this.server, Dns, this.postgresName) = (server, dns, postgresName);
        DataFolder = settings["Portal:DataFolder"]!;
        WebPort = Port(settings, "Portal:Web:Port");
        HttpsPort = Port(settings, "Portal:Web:HttpsPort");
        SmtpPort = Port(settings, "Portal:Smtp:Port");
        SubmissionPort = Port(settings, "Portal:Submission:Port");
        SubmissionsPort = Port(settings, "Portal:Submissions:Port");
        DeliveryPort = Port(settings, "Portal:Delivery:Port");
    }

    public TestDns Dns { get; }

    public string DataFolder { get; }

    public int WebPort { get; }

    public int HttpsPort { get; }

    public int SmtpPort { get; }

    public int SubmissionPort { get; }

    public int SubmissionsPort { get; }

    /// <summary>Port on which MX hosts are called: listen here on 127.0.0.1 to be the rest of the world.</summary>
    public int DeliveryPort { get; }

    public Uri Url => new($"http://localhost:{WebPort}/");

    /// <summary>The set-up link's token; null when the system is set up.</summary>
    public string? SetupToken => server.SetupLink?.Token;

    public IServiceProvider Services => server.App.Services;

    public static Task<PortalHost> StartAsync(DatabaseKind database = DatabaseKind.Sqlite) => StartAsync(new PortalHostWishes { Database = database });

    public static async Task<PortalHost> StartAsync(PortalHostWishes wishes)
    {
        var dns = new TestDns();
        var settings = FreshSettings(wishes.DataFolder ?? TestFolder.Create(), dns.Setting);
        string? postgresName = null;
        if (wishes.Database == DatabaseKind.Postgres)
        {
            var postgres = await PostgresServer.SharedAsync();
            postgresName = await postgres.CreateDatabaseAsync();
            settings["Portal:Database:Provider"] = "Postgres";
            settings["Portal:Database:ConnectionString"] = postgres.ConnectionString(postgresName);
        }

        foreach (var (key, value) in wishes.Settings) settings[key] = value;
        var host = new PortalHost(await Server.StartAsync([], settings, wishes.Configure), dns, settings, postgresName);
        if (wishes.IsSetUp && host.SetupToken is not null) await host.SetUpAsync();
        return host;
    }

    /// <summary>Settings of a system of its own: free ports, a folder, no disk floor.</summary>
    public static Dictionary<string, string?> FreshSettings(string dataFolder, string dnsServer)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Portal:DataFolder"] = dataFolder,
            ["Portal:HostName"] = "mx.portal.test",
            ["Portal:Dns:Servers:0"] = dnsServer,
            ["Portal:DiskFloorBytes"] = "0",
            ["Portal:Delivery:AllowLoopback"] = "true",
        };
        foreach (var key in new[] { "Portal:Web:Port", "Portal:Web:HttpsPort", "Portal:Smtp:Port", "Portal:Submission:Port", "Portal:Submissions:Port", "Portal:Delivery:Port" })
            settings[key] = FreePort.Take().ToString(CultureInfo.InvariantCulture);
        return settings;
    }

    public T Get<T>() where T : notnull => Services.GetRequiredService<T>();

    /// <summary>Makes a mailbox with <see cref="Password"/>.</summary>
    public async Task<CreatedMailbox> AddMailboxAsync(string address, long? quotaBytes = null, params IReadOnlyList<Role> roles)
    {
        var made = await Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox(address, "", FirstCredential.Given, Password) { QuotaBytes = quotaBytes, Roles = roles }, CancellationToken.None);
        return made.Value;
    }

    public Task<List<QueueEntry>> QueueEntriesAsync() => ReadAsync(db => db.QueueEntries.AsNoTracking().OrderBy(e => e.Id).ToListAsync());

    public async Task<T> ReadAsync<T>(Func<PortalDbContext, Task<T>> read)
    {
        await using var db = await Get<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
        return await read(db);
    }

    /// <summary>Waits until the read gives what is wanted, looking again whenever something changed; fails after <paramref name="seconds"/>.</summary>
    public async Task<T> EventuallyAsync<T>(Func<PortalDbContext, Task<T>> read, Func<T, bool> isWanted, int seconds = 20)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        using var changed = new SemaphoreSlim(1);
        using var subscription = Get<ChangeFeed>().Subscribe((_, _) => changed.Release());
        while (true)
        {
            var value = await ReadAsync(read);
            if (isWanted(value)) return value;
            Assert.False(patience.IsCancellationRequested, $"After {seconds} s still {value}");
            await changed.WaitAsync(TimeSpan.FromMilliseconds(250));   // a hint may have come from another process
        }
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Dns.Dispose();
        if (postgresName is not null) await (await PostgresServer.SharedAsync()).DropDatabaseAsync(postgresName);
    }

    private async Task SetUpAsync()
    {
        var done = await Get<SetupService>().SetUpAsync(Actor.Operator(), new SetupRequest(null, "Portal Test", Domain, AdminAddress, "Ada Admin", Password), CancellationToken.None);
        Assert.True(done.IsDone, done.Refusal?.Key);
    }

    private static int Port(Dictionary<string, string?> settings, string key) => int.Parse(settings[key]!, CultureInfo.InvariantCulture);
}
