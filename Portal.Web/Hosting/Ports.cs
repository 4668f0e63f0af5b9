using System.Net;
using System.Net.Sockets;

namespace Portal.Web.Hosting;

/// <summary>Tries each port before anything is made, so that the sentence can name the setting; Kestrel itself names only the address.</summary>
internal static class Ports
{
    public static void DemandFree(HostingOptions options)
    {
        foreach (var (setting, port) in options.Ports)
        {
            try
            {
                using var socket = new Socket(options.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, false);
                socket.Bind(new IPEndPoint(options.Address, port));
                socket.Listen();
            }
            catch (SocketException e)
            {
                throw new StartRefused(e.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => HostText.Say("PortInUse", setting, port),
                    SocketError.AccessDenied => HostText.Say("PortForbidden", setting, port),
                    SocketError.AddressNotAvailable => HostText.Say("AddressNotOurs", "Portal:ListenAddress", options.ListenAddress),
                    _ => HostText.Say("PortFailed", setting, port, e.Message),
                });
            }
        }
    }
}
