using System.Net;
using System.Net.Sockets;

namespace Portal.Tests.Fixtures;

/// <summary>Loopback ports nobody listens on.</summary>
public static class FreePort
{
    // Below the range the kernel takes for outgoing connections, so that none of those sits on a port before its listener does.
    private const int First = 12_000;
    private const int Last = 32_000;

    private static readonly Lock Gate = new();
    private static readonly HashSet<int> Given = [];

    /// <summary>A port that was free just now and is not given to another test of this run.</summary>
    public static int Take()
    {
        lock (Gate)
        {
            while (true)
            {
                var port = Random.Shared.Next(First, Last);
                if (!Given.Contains(port) && IsFree(port) && Given.Add(port)) return port;
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
            using var datagrams = new UdpClient(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
