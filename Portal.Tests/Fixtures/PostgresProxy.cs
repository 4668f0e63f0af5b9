using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Portal.Core.Data;
using Portal.Core.Messages;

namespace Portal.Tests.Fixtures;

/// <summary>Stands between the writer and PostgreSQL: counts how often one waits for the other, and loses the client when told, as a network does. For one connection at a time.</summary>
internal sealed class PostgresProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> clients = [];
    private readonly List<Task> running = [];
    private readonly int serverPort;
    private int roundTrips;
    private bool isAnswered = true;

    private PostgresProxy(int serverPort)
    {
        this.serverPort = serverPort;
        listener.Start();
        running.Add(AcceptAsync());
    }

    /// <summary>How often the client has spoken after an answer.</summary>
    public int RoundTrips => Volatile.Read(ref roundTrips);

    public static async Task<PostgresProxy> StartAsync() => new((await PostgresServer.SharedAsync()).Port);

    /// <summary>For <see cref="TestDatabase.CreateAsync"/>: the writer's lanes go this way, everything else straight.</summary>
    public void Configure(IServiceCollection services) => services.AddSingleton(provider => new MailLanes(
        provider.GetRequiredService<IDbContextFactory<PortalDbContext>>(),
        provider.GetRequiredService<IOptions<StorageOptions>>(),
        Options.Create(new DatabaseOptions { Provider = DatabaseProvider.Postgres, ConnectionString = ThisWay(provider.GetRequiredService<IOptions<DatabaseOptions>>().Value.ConnectionString!) }),
        provider.GetRequiredService<TimeProvider>()));

    /// <summary>Whoever is connected loses the server; the server does not hear of it, and goes on with what it does.</summary>
    public void HangUp()
    {
        lock (clients)
        {
            foreach (var client in clients) client.Close();
            clients.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        HangUp();
        await Task.WhenAll(running);
    }

    private string ThisWay(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Host = "127.0.0.1", Port = ((IPEndPoint)listener.LocalEndpoint).Port }.ConnectionString;

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync();
                var server = new TcpClient { NoDelay = true };
                client.NoDelay = true;
                await server.ConnectAsync(IPAddress.Loopback, serverPort);
                lock (clients) clients.Add(client);
                running.Add(AnswerAsync(server, client));
                _ = AskAsync(client, server);   // ends with either side
            }
        }
        catch (SocketException)
        {
            // stopped
        }
    }

    /// <summary>What the client says once the server has answered is another question.</summary>
    private async Task AskAsync(TcpClient client, TcpClient server)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await client.GetStream().ReadAsync(buffer)) > 0;)
            {
                if (Interlocked.Exchange(ref isAnswered, false)) Interlocked.Increment(ref roundTrips);
                await server.GetStream().WriteAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception e) when (IsGone(e))
        {
            // one of them has gone
        }
    }

    private async Task AnswerAsync(TcpClient server, TcpClient client)
    {
        using var both = server;
        var buffer = new byte[64 * 1024];
        var isThere = true;
        for (int read; (read = await server.GetStream().ReadAsync(buffer)) > 0;)
        {
            Interlocked.Exchange(ref isAnswered, true);
            isThere = isThere && await PassAsync(client, buffer.AsMemory(0, read));   // else the server is heard out all the same
        }

        client.Close();
    }

    private static async Task<bool> PassAsync(TcpClient client, ReadOnlyMemory<byte> octets)
    {
        try
        {
            await client.GetStream().WriteAsync(octets);
            return true;
        }
        catch (Exception e) when (IsGone(e))
        {
            return false;
        }
    }

    private static bool IsGone(Exception e) => e is IOException or ObjectDisposedException or InvalidOperationException;
}
