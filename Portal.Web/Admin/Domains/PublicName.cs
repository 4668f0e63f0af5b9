using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Portal.Core.Addresses;
using Portal.Web.Hosting;

namespace Portal.Web.Admin.Domains;

/// <summary>The name this system shows the world, and why the world may not find it.</summary>
internal static class PublicName
{
    /// <summary>Host name for MX and greeting: the setting, or the machine's own; A-label form, as records have it.</summary>
    public static string Of(HostingOptions options)
    {
        var name = options.HostName is { Length: > 0 } set ? set : Dns.GetHostName();
        return DomainName.TryParse(name, out var read) ? read.Value : name;   // a machine may have a name that no DNS could hold
    }

    /// <summary>"Loopback" or "Private" for an address others cannot reach, "Name" for a host name nobody can look up; null when neither is so.</summary>
    public static string? Problem(HostingOptions options) => Problem(options, MachineAddresses());

    /// <param name="machine">The addresses of the machine: what a system that listens everywhere is reached by.</param>
    internal static string? Problem(HostingOptions options, IReadOnlyCollection<IPAddress> machine)
    {
        if (IPAddress.IsLoopback(options.Address)) return "Loopback";
        var reached = options.Address.Equals(IPAddress.Any) ? machine.Where(a => a.AddressFamily == AddressFamily.InterNetwork)
            : options.Address.Equals(IPAddress.IPv6Any) ? machine
            : [options.Address];
        if (!reached.Any(PublicNetworks.Contains)) return "Private";
        return IsUnlikely(Of(options)) ? "Name" : null;
    }

    private static List<IPAddress> MachineAddresses() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces().Where(i => i.OperationalStatus == OperationalStatus.Up).SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(u => u.Address),
    ];

    // RFC 6762 §3 and appendix G, RFC 6761 §6: names that no public DNS holds.
    private static bool IsUnlikely(string name)
    {
        string[] inner = [".local", ".localhost", ".internal", ".lan", ".home", ".invalid"];
        return !name.Contains('.', StringComparison.Ordinal) || inner.Any(s => name.EndsWith(s, StringComparison.OrdinalIgnoreCase));
    }
}
