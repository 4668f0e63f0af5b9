using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp;
using Portal.Smtp.Dns;
using Portal.Smtp.Server;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp;

/// <summary>
/// The SMTP server as it is, on the real services and a database of its own, with a clock that stands still; only the sockets are
/// pipes in memory. See <see cref="Seed"/> for who lives there.
/// </summary>
internal sealed class SmtpTestServer : IAsyncDisposable
{
    public const string Password = "correct horse battery";
    private static readonly Dictionary<DatabaseKind, Lazy<Task<Template>>> Templates = Enum.GetValues<DatabaseKind>().ToDictionary(k => k, k => new Lazy<Task<Template>>(() => MakeTemplateAsync(k)));
    private readonly ServiceProvider services;
    private readonly string? postgresName;
    private readonly List<SmtpTestClient> clients = [];

    private SmtpTestServer(string folder, string? postgresName, ServiceProvider services) => (Folder, this.postgresName, this.services) = (folder, postgresName, services);

    public string Folder { get; }

    /// <summary>What the world publishes: nothing, unless the test says so.</summary>
    public FakeDns Dns => (FakeDns)Get<IMailDns>();

    public FakeTimeProvider Clock => (FakeTimeProvider)Get<TimeProvider>();

    public static async Task<SmtpTestServer> StartAsync(IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? configure = null, DatabaseKind kind = DatabaseKind.Sqlite)
    {
        var template = await Templates[kind].Value;
        var folder = TestFolder.Create();
        foreach (var file in Directory.GetFiles(template.Folder)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var name = template.PostgresName is { } original ? await (await PostgresServer.SharedAsync()).CreateDatabaseAsync(original) : null;
        var server = new SmtpTestServer(folder, name, BuildServices(folder, await ConnectionOfAsync(name), settings, configure));
        await server.Get<MailWriter>().StartAsync(CancellationToken.None);
        return server;
    }

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    /// <summary>Connects; the handler runs until either side ends.</summary>
    public SmtpTestClient Connect(SmtpListenerKind kind = SmtpListenerKind.Mx, IPAddress? from = null)
    {
        var toServer = new Pipe();
        var toClient = new Pipe();
        var connection = new DefaultConnectionContext(Guid.NewGuid().ToString("N"), new Transport(toServer.Reader, toClient.Writer), new Transport(toClient.Reader, toServer.Writer))
        {
            RemoteEndPoint = new IPEndPoint(from ?? IPAddress.Parse("192.0.2.7"), 40_000),
        };
        connection.Features.Set(new SmtpListener(kind));
        var stopping = new StopRequest();
        connection.Features.Set<Microsoft.AspNetCore.Connections.Features.IConnectionLifetimeNotificationFeature>(stopping);
        var handler = ActivatorUtilities.CreateInstance<SmtpConnectionHandler>(services);
        var client = new SmtpTestClient(toClient.Reader, toServer.Writer, RunAsync(handler, connection, toServer.Reader, toClient.Writer), stopping, connection.Abort);
        clients.Add(client);
        return client;
    }

    public async Task<T> ReadAsync<T>(Func<PortalDbContext, Task<T>> read)
    {
        await using var db = await Get<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
        return await read(db);
    }

    public async Task WriteAsync(Func<PortalDbContext, Task> change)
    {
        using var turn = await Get<WriteGate>().EnterAsync(CancellationToken.None);
        await using var db = await Get<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
        await change(db);
        await db.SaveChangesAsync();
    }

    /// <summary>Octets of every message in a folder of the mailbox, trace fields in front, oldest first.</summary>
    public async Task<List<byte[]>> MessagesAsync(string address, SpecialUse folder = SpecialUse.Inbox, bool withTraceFields = true)
    {
        var ids = await ReadAsync(db => (
            from item in db.MailItems
            join box in db.Folders on item.FolderId equals box.Id
            join mailbox in db.Mailboxes on item.MailboxId equals mailbox.Id
            where mailbox.PrimaryAddress == address && box.SpecialUse == folder
            orderby item.Uid
            select item.MessageId).ToListAsync());
        var found = new List<byte[]>();
        foreach (var id in ids)
        {
            await using var stream = await Get<ContentReader>().OpenAsync(id, CancellationToken.None, withTraceFields) ?? throw new InvalidOperationException($"Message {id} has no content.");
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            found.Add(copy.ToArray());
        }

        return found;
    }

    /// <summary>Every trace with its recipients, refusals written first.</summary>
    public async Task<List<(MessageTrace Trace, List<TraceRecipient> Recipients)>> TracesAsync()
    {
        await Get<TraceWriter>().FlushAsync();
        var traces = await ReadAsync(db => db.Traces.AsNoTracking().OrderBy(t => t.QueueId).ToListAsync());
        var recipients = await ReadAsync(db => db.TraceRecipients.AsNoTracking().OrderBy(r => r.Index).ToListAsync());
        return [.. traces.Select(t => (t, recipients.Where(r => r.QueueId == t.QueueId).ToList()))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients) await client.DisposeAsync();
        await Get<MailWriter>().StopAsync(CancellationToken.None);
        await services.DisposeAsync();
        if (postgresName is not null) await (await PostgresServer.SharedAsync()).DropDatabaseAsync(postgresName);
    }

    private static async Task RunAsync(SmtpConnectionHandler handler, ConnectionContext connection, PipeReader input, PipeWriter output)
    {
        await Task.Yield();
        try
        {
            await handler.OnConnectedAsync(connection);
        }
        finally
        {
            await output.CompleteAsync();
            await input.CompleteAsync();
        }
    }

    private static async Task<string?> ConnectionOfAsync(string? postgresName) => postgresName is null ? null : (await PostgresServer.SharedAsync()).ConnectionString(postgresName);

    private static ServiceProvider BuildServices(string folder, string? connection, IReadOnlyDictionary<string, string?>? settings, Action<IServiceCollection>? configure)
    {
        var all = new Dictionary<string, string?> { ["Portal:DataFolder"] = folder, ["Portal:HostName"] = "mx.portal.test", ["Portal:DiskFloorBytes"] = "0" };
        if (connection is not null) (all["Portal:Database:Provider"], all["Portal:Database:ConnectionString"]) = ("Postgres", connection);
        foreach (var (key, value) in settings ?? new Dictionary<string, string?>()) all[key] = value;
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(all).Build();

        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddSingleton(typeof(Microsoft.Extensions.Logging.ILogger<>), typeof(NullLogger<>));
        services.AddSingleton<TimeProvider>(new FakeTimeProvider(TestDatabase.Start));
        services.AddPortalCore(configuration).AddPortalSmtp(configuration);
        services.AddSingleton<IMailDns>(new FakeDns());
        services.RemoveAll<IHostedService>();   // the writer is started here; the rest is not wanted
        configure?.Invoke(services);
        return services.BuildServiceProvider();
    }

    private static async Task<Template> MakeTemplateAsync(DatabaseKind kind)
    {
        var folder = TestFolder.Create();
        var name = kind == DatabaseKind.Postgres ? await (await PostgresServer.SharedAsync()).CreateDatabaseAsync() : null;
        var connection = await ConnectionOfAsync(name);
        await using (var services = BuildServices(folder, connection, null, null))
        {
            await services.GetRequiredService<DatabaseStarter>().StartAsync(CancellationToken.None);
            await new Seed(services).RunAsync();
        }

        SqliteConnection.ClearAllPools();   // the last connection to close writes the WAL back
        await using (var pooled = new NpgsqlConnection(connection)) NpgsqlConnection.ClearPool(pooled);   // PostgreSQL copies only what nobody is connected to
        return new Template(folder, name);
    }

    /// <summary>What a server begins with: its data folder, and its database where that is not in it.</summary>
    private sealed record Template(string Folder, string? PostgresName);

    /// <summary>Who lives on the test server.</summary>
    private sealed class Seed(IServiceProvider services)
    {
        private readonly Domain domain = new() { Name = "portal.test", DisplayName = "portal.test" };
        private readonly Domain catching = new() { Name = "catch.test", DisplayName = "catch.test" };

        public async Task RunAsync()
        {
            await WriteAsync(db => db.Domains.AddRange(domain, catching, new Domain { Name = "off.test", DisplayName = "off.test", IsDisabled = true }));
            await AddMailboxAsync("admin@portal.test", Role.Administrator);
            await AddMailboxAsync("bob@portal.test");
            var alice = await AddMailboxAsync("alice@portal.test");
            var dora = await AddMailboxAsync("dora@portal.test");
            var frank = await AddMailboxAsync("frank@portal.test");
            var ella = await AddMailboxAsync("ella@portal.test");

            await MailboxService.DisableAsync(Actor.Operator(), dora.MailboxId, CancellationToken.None);
            await MailboxService.SetQuotaAsync(Actor.Operator(), frank.MailboxId, 0, 1000, CancellationToken.None);
            await MailboxService.SetQuotaAsync(Actor.Operator(), ella.MailboxId, 0, 1000, CancellationToken.None);
            await WriteAsync(db =>
            {
                db.MailboxUses.Single(u => u.MailboxId == frank.MailboxId).Bytes = 1000;
                db.MailboxUses.Single(u => u.MailboxId == ella.MailboxId).Bytes = 1101;
                AddAlias(db, domain, "al", alice.MailboxId);
                AddAlias(db, domain, "odd%name", alice.MailboxId);
                AddAlias(db, catching, Address.CatchAll, alice.MailboxId);
                AddForwarder(db, "sales", "alice@portal.test", "partner@example.net");
                AddForwarder(db, "team", "alice@portal.test", "dora@portal.test", "ella@portal.test", "gone@portal.test", "x@off.test");
                AddForwarder(db, "away", "partner@example.net");
                AddForwarder(db, "loop1", "loop2@portal.test");
                AddForwarder(db, "loop2", "loop1@portal.test");
            });
        }

        private MailboxService MailboxService => services.GetRequiredService<MailboxService>();

        private async Task<CreatedMailbox> AddMailboxAsync(string address, params Role[] roles)
        {
            var wanted = new NewMailbox(address, address, FirstCredential.Given, Password) { Roles = roles };
            return (await MailboxService.CreateAsync(Actor.Operator(), wanted, CancellationToken.None)).Value;
        }

        private static void AddAlias(PortalDbContext db, Domain domain, string localPart, Guid mailboxId) =>
            db.Addresses.Add(new Address { DomainId = domain.Id, LocalPart = localPart, Display = localPart, MailboxId = mailboxId });

        private void AddForwarder(PortalDbContext db, string localPart, params string[] targets)
        {
            var forwarder = new Forwarder { DomainId = domain.Id };
            forwarder.Targets.AddRange(targets.Select(t => new ForwarderTarget { ForwarderId = forwarder.Id, Address = t }));
            db.Forwarders.Add(forwarder);
            db.Addresses.Add(new Address { DomainId = domain.Id, LocalPart = localPart, Display = localPart, ForwarderId = forwarder.Id });
        }

        private async Task WriteAsync(Action<PortalDbContext> change)
        {
            using var turn = await services.GetRequiredService<WriteGate>().EnterAsync(CancellationToken.None);
            await using var db = await services.GetRequiredService<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
            change(db);
            await db.SaveChangesAsync();
        }
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

/// <summary>What a stopping host says to a connection.</summary>
internal sealed class StopRequest : Microsoft.AspNetCore.Connections.Features.IConnectionLifetimeNotificationFeature, IDisposable
{
    private readonly CancellationTokenSource source = new();

    public CancellationToken ConnectionClosedRequested
    {
        get => source.Token;
        set => throw new NotSupportedException();
    }

    public void RequestClose() => source.Cancel();

    public void Dispose() => source.Dispose();
}
