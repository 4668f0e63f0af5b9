using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Portal.Core.Addresses;

namespace Portal.Smtp.Authentication.Spf;

internal enum SpfMechanism
{
    All,
    Include,
    A,
    Mx,
    Ptr,
    Ip4,
    Ip6,
    Exists,
}

/// <summary>One directive of a record (RFC 7208 §4.6.1).</summary>
/// <param name="Text">As it stands in the record.</param>
/// <param name="Result">What it comes to when it matches.</param>
/// <param name="DomainSpec">What stands behind the colon; null for the current domain.</param>
/// <param name="Network">Of ip4 and ip6; null for others.</param>
/// <param name="Bits4">Length of an IPv4 prefix.</param>
/// <param name="Bits6">Length of an IPv6 prefix.</param>
internal sealed record SpfDirective(string Text, SpfStatus Result, SpfMechanism Mechanism, string? DomainSpec, IPAddress? Network, int Bits4, int Bits6);

/// <summary>A record that was read. A fault anywhere in it spoils it whole (RFC 7208 §4.6).</summary>
internal sealed record SpfRecord(IReadOnlyList<SpfDirective> Directives, string? Redirect, string? Explanation)
{
    private const string Version = "v=spf1";

    /// <summary>Whether a TXT record is one of SPF at all: the version, and a space or nothing behind it (RFC 7208 §4.5).</summary>
    public static bool IsSpf(string text) =>
        text.StartsWith(Version, StringComparison.OrdinalIgnoreCase) && (text.Length == Version.Length || text[Version.Length] == ' ');

    /// <summary>Reads a record that <see cref="IsSpf"/>.</summary>
    /// <param name="fault">The term that can't be read; null when all can.</param>
    public static SpfRecord? TryParse(string text, out string? fault)
    {
        var directives = new List<SpfDirective>();
        string? redirect = null, explanation = null;
        foreach (var term in text[Version.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            fault = term;
            if (ModifierNameOf(term) is { } name)
            {
                var value = term[(name.Length + 1)..];
                switch (name.ToLowerInvariant())
                {
                    // RFC 7208 §6: each of these once at most.
                    case "redirect":
                        if (redirect is not null || !SpfMacro.IsDomainSpec(value)) return null;
                        redirect = value;
                        break;
                    case "exp":
                        if (explanation is not null || !SpfMacro.IsDomainSpec(value)) return null;
                        explanation = value;
                        break;
                    default:
                        if (!SpfMacro.IsMacroString(value)) return null;   // unknown ones are passed over, if they can be read
                        break;
                }
            }
            else if (ReadDirective(term) is { } directive)
            {
                directives.Add(directive);
            }
            else
            {
                return null;
            }
        }

        fault = null;
        return new SpfRecord(directives, redirect, explanation);
    }

    /// <summary>The name before an equals sign; null where the term is no modifier.</summary>
    private static string? ModifierNameOf(string term)
    {
        var equals = term.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || !char.IsAsciiLetter(term[0])) return null;
        var name = term[..equals];
        return name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? name : null;
    }

    private static SpfDirective? ReadDirective(string term)
    {
        var (result, body) = term[0] switch
        {
            '+' => (SpfStatus.Pass, term[1..]),
            '-' => (SpfStatus.Fail, term[1..]),
            '~' => (SpfStatus.SoftFail, term[1..]),
            '?' => (SpfStatus.Neutral, term[1..]),
            _ => (SpfStatus.Pass, term),
        };
        var end = body.AsSpan().IndexOfAny(':', '/');
        var name = end < 0 ? body : body[..end];
        var rest = end < 0 ? "" : body[end..];
        SpfMechanism? mechanism = name.ToLowerInvariant() switch
        {
            "all" => SpfMechanism.All,
            "include" => SpfMechanism.Include,
            "a" => SpfMechanism.A,
            "mx" => SpfMechanism.Mx,
            "ptr" => SpfMechanism.Ptr,
            "ip4" => SpfMechanism.Ip4,
            "ip6" => SpfMechanism.Ip6,
            "exists" => SpfMechanism.Exists,
            _ => null,
        };
        return mechanism switch
        {
            null => null,
            SpfMechanism.All => rest.Length == 0 ? Of(null) : null,
            SpfMechanism.Include or SpfMechanism.Exists => rest.StartsWith(':') && SpfMacro.IsDomainSpec(rest.AsSpan(1)) ? Of(rest[1..]) : null,
            SpfMechanism.Ptr => rest.Length == 0 ? Of(null) : rest[0] == ':' && SpfMacro.IsDomainSpec(rest.AsSpan(1)) ? Of(rest[1..]) : null,
            SpfMechanism.Ip4 => ReadNetwork(rest, AddressFamily.InterNetwork, 32) is (var four, var bits4) ? Of(null) with { Network = four, Bits4 = bits4 } : null,
            SpfMechanism.Ip6 => ReadNetwork(rest, AddressFamily.InterNetworkV6, 128) is (var six, var bits6) ? Of(null) with { Network = six, Bits6 = bits6 } : null,
            _ => ReadHosts(rest, Of(null)),
        };

        SpfDirective Of(string? spec) => new(term, result, mechanism.Value, spec, null, 32, 128);
    }

    /// <summary>":" domain-spec, "/" bits of IPv4, "//" bits of IPv6, each or none (RFC 7208 §5.3).</summary>
    private static SpfDirective? ReadHosts(string rest, SpfDirective directive)
    {
        var slash = SlashOf(rest);
        var lengths = slash < 0 ? "" : rest[slash..];
        var spec = slash < 0 ? rest : rest[..slash];
        if (spec.Length > 0)
        {
            if (spec[0] != ':' || !SpfMacro.IsDomainSpec(spec.AsSpan(1))) return null;
            directive = directive with { DomainSpec = spec[1..] };
        }

        if (lengths.Length == 0) return directive;
        var six = lengths.IndexOf("//", StringComparison.Ordinal);
        if (six >= 0)
        {
            if (!TryBits(lengths[(six + 2)..], 128, out var bits)) return null;
            directive = directive with { Bits6 = bits };
            lengths = lengths[..six];
            if (lengths.Length == 0) return directive;
        }

        return TryBits(lengths[1..], 32, out var four) ? directive with { Bits4 = four } : null;
    }

    /// <summary>The first slash outside of a macro, which may hold one as a delimiter.</summary>
    private static int SlashOf(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '/') return i;
            if (text[i] == '%' && text.IndexOf('}', i) is > 0 and var end && i + 1 < text.Length && text[i + 1] == '{') i = end;
        }

        return -1;
    }

    private static (IPAddress Network, int Bits)? ReadNetwork(string rest, AddressFamily family, int most)
    {
        if (!rest.StartsWith(':')) return null;
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var text = slash < 0 ? rest[1..] : rest[1..slash];
        var bits = most;
        if (slash >= 0 && !TryBits(rest[(slash + 1)..], most, out bits)) return null;
        if (family == AddressFamily.InterNetwork && !IpLiteral.IsDotted(text)) return null;   // RFC 7208 §5.6; a scope is none of the DNS's
        return !text.Contains('%', StringComparison.Ordinal) && IPAddress.TryParse(text, out var network) && network.AddressFamily == family ? (network, bits) : null;
    }

    private static bool TryBits(string text, int most, out int bits) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out bits) && bits <= most && text is "0" or [not '0', ..];
}
