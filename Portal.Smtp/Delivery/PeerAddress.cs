using System.Net;
using Portal.Core.Addresses;

namespace Portal.Smtp.Delivery;

/// <summary>A server to talk to.</summary>
/// <param name="Host">Its name: for SNI, the certificate and messages.</param>
/// <param name="EndPoint">Address and port to connect to.</param>
/// <param name="Tls">How the connection is secured.</param>
/// <param name="Credentials">User name and password; null where none are asked for.</param>
internal sealed record PeerAddress(string Host, IPEndPoint EndPoint, RouteTls Tls, NetworkCredential? Credentials = null)
{
    public override string ToString() => $"{Host}[{EndPoint.Address}]:{EndPoint.Port}";
}
