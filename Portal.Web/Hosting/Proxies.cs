using System.Net;
using Microsoft.AspNetCore.HttpOverrides;

namespace Portal.Web.Hosting;

/// <summary>The proxies in front that <c>Portal:Web:TrustedProxies</c> names: addresses and networks.</summary>
internal sealed class Proxies
{
    private readonly List<IPAddress> addresses = [];
    private readonly List<System.Net.IPNetwork> networks = [];

    public Proxies(IEnumerable<string> written)
    {
        foreach (var proxy in written)
        {
            if (IPAddress.TryParse(proxy, out var address)) addresses.Add(address);
            else networks.Add(System.Net.IPNetwork.Parse(proxy));
        }
    }

    public bool Contains(IPAddress client)
    {
        if (client.IsIPv4MappedToIPv6) client = client.MapToIPv4();
        return addresses.Contains(client) || networks.Any(n => n.Contains(client));
    }

    /// <summary>Believes them, and nobody else, about whom they speak for.</summary>
    public ForwardedHeadersOptions Forwarding()
    {
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var address in addresses) options.KnownProxies.Add(address);
        foreach (var network in networks) options.KnownIPNetworks.Add(network);
        return options;
    }
}
