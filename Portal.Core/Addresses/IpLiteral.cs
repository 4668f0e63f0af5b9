using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Portal.Core.Addresses;

/// <summary>An address in brackets where a domain would stand (RFC 5321 §4.1.3): "[192.0.2.1]" or "[IPv6:2001:db8::1]".</summary>
public static partial class IpLiteral
{
    private const string Tag = "IPv6:";
    private static readonly SearchValues<char> V4 = SearchValues.Create("0123456789.");
    private static readonly SearchValues<char> V6 = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>Whether what stands between the brackets is one. The framework alone would take fewer parts, other bases, and any text behind a percent sign.</summary>
    public static bool IsValid(ReadOnlySpan<char> inner)
    {
        if (!inner.StartsWith(Tag, StringComparison.OrdinalIgnoreCase)) return !inner.ContainsAnyExcept(V4) && inner.Count('.') == 3 && IPAddress.TryParse(inner, out _);

        var address = inner[Tag.Length..];
        return !address.ContainsAnyExcept(V6) && IPAddress.TryParse(address, out var parsed) && parsed.AddressFamily == AddressFamily.InterNetworkV6;
    }

    /// <summary>Whether it is four decimal numbers: what IPAddress reads of fewer, or of those with a zero in front, nobody means.</summary>
    public static bool IsDotted(string text) => Dotted().IsMatch(text);

    [GeneratedRegex(@"^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Dotted();
}
