using System.Net;
using System.Net.Sockets;

namespace Portal.Core.Addresses;

/// <summary>The network a client counts for: /32 of IPv4, /64 of IPv6, in CIDR form.</summary>
public static class Networks
{
    /// <summary>The network of an address; IPv6-mapped IPv4 counts as IPv4.</summary>
    public static string Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetwork) return $"{address}/32";
        var bytes = address.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return $"{new IPAddress(bytes)}/64";
    }

    /// <summary>The same for a text; the text itself where it is no address.</summary>
    public static string Of(string address) => IPAddress.TryParse(address, out var parsed) ? Of(parsed) : address;
}
