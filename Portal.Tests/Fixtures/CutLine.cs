using System.Net;
using System.Net.Sockets;

namespace Portal.Tests.Fixtures;

/// <summary>A line to a server on this machine that can be cut, and mended: what is connected then is lost to both sides.</summary>
internal sealed class CutLine : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> ends = [];
    private readonly int serverPort;
    private readonly Task accepting;
    private bool isCut;

    public CutLine(int serverPort)
    {
        this.serverPort = serverPort;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Nothing goes through until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        lock (ends)
        {
            isCut = true;
            foreach (var end in ends) end.Close();
            ends.Clear();
        }
    }

    public void Mend()
    {
        lock (ends) isCut = false;
    }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        Cut();
        await accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = CarryAsync(await listener.AcceptTcpClientAsync());   // ends with either side
        }
        catch (SocketException)
        {
            // stopped
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, serverPort);
                lock (ends)
                {
                    if (isCut) return;
                    ends.Add(client);
                    ends.Add(server);
                }

                await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(client.GetStream()));
            }
            catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
            {
                // cut
            }
        }
    }
}
