using System.Net;
using System.Net.Sockets;
using Portal.Web.Hosting;

namespace Portal.Web.Admin.Domains;

/// <summary>The name this system shows the world, and why the world may not find it.</summary>
internal static class PublicName
{
    /// <summary>Host name for MX and greeting: the setting, or the machine's own.</summary>
    public static string Of(HostingOptions options) => options.HostName is { Length: > 0 } name ? name : Dns.GetHostName();

    /// <summary>"Loopback" or "Private" for an address others cannot reach, "Name" for a host name nobody can look up; null when neither is so.</summary>
    public static string? Problem(HostingOptions options)
    {
        if (IPAddress.IsLoopback(options.Address)) return "Loopback";
        if (IsPrivate(options.Address)) return "Private";
        return IsUnlikely(Of(options)) ? "Name" : null;
    }

    // RFC 1918 §3, RFC 6598 §7, RFC 3927 §2.1, RFC 4193 §3.1.
    private static bool IsPrivate(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        var bytes = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal
            : bytes[0] == 10 || (bytes[0] == 172 && bytes[1] is >= 16 and <= 31) || (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 100 && bytes[1] is >= 64 and <= 127) || (bytes[0] == 169 && bytes[1] == 254);
    }

    // RFC 6762 §3 and appendix G, RFC 6761 §6: names that no public DNS holds.
    private static bool IsUnlikely(string name)
    {
        string[] inner = [".local", ".localhost", ".internal", ".lan", ".home", ".invalid"];
        return !name.Contains('.', StringComparison.Ordinal) || inner.Any(s => name.EndsWith(s, StringComparison.OrdinalIgnoreCase));
    }
}
