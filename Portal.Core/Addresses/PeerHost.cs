using System.Net;

namespace Portal.Core.Addresses;

/// <summary>A server that people name for mail to go to.</summary>
public static class PeerHost
{
    /// <summary>The form that is stored: an address, "localhost", or a name in A-label form; null for anything else.</summary>
    public static string? Normal(string text)
    {
        text = text.Trim();
        if (IPAddress.TryParse(text.Trim('[', ']'), out var address) && text.AsSpan().ContainsAny('.', ':')) return address.ToString();
        if (text.Equals("localhost", StringComparison.OrdinalIgnoreCase)) return "localhost";
        return DomainName.TryParse(text, out var name) ? name.Value : null;
    }
}
