using System.Net;
using System.Net.Sockets;
using Portal.Core.Addresses;

namespace Portal.Core.Lists;

/// <summary>An entry as it is to become.</summary>
public sealed record ListDraft
{
    /// <summary>Shortest prefixes taken: wider networks are half the Internet, and nobody means that.</summary>
    public const int MinPrefixV4 = 8, MinPrefixV6 = 16;

    /// <summary>The fields that can be wrong, in the order of a form.</summary>
    public static readonly IReadOnlyList<string> Fields = [nameof(Sender), nameof(ExpiresAt), nameof(Reason)];

    public ListKind Kind { get; init; }

    /// <summary>An address, a domain (also as "@domain"), or a network ("192.0.2.0/24", or one address): its form tells which.</summary>
    public required string Sender { get; init; }

    /// <summary>Whose recipients; null for everybody's.</summary>
    public Guid? DomainId { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public string? Reason { get; init; }

    /// <summary>What is wrong with one of its fields, by name; null when it is right.</summary>
    public Invalid? FaultOf(string field, DateTimeOffset now) => field switch
    {
        nameof(Sender) when !TryRead(Sender, out var match, out _) => new(match == ListMatch.Network ? "ListNetworkTooWide" : "ListSender", Sender.Trim()) { Field = field },
        nameof(ExpiresAt) when ExpiresAt <= now => new("ListExpired") { Field = field },
        nameof(Reason) when Reason?.Trim().Length > ListEntry.MaxReasonLength => new("ListReasonLength", ListEntry.MaxReasonLength) { Field = field },
        _ => null,
    };

    /// <summary>Reads what a person typed for a sender; the match says what it looks like even where it can't be taken.</summary>
    public static bool TryRead(string text, out ListMatch match, out string pattern)
    {
        (match, pattern) = (ListMatch.Domain, "");
        text = text.Trim();
        if (ReadNetwork(text) is { } network)
        {
            match = ListMatch.Network;
            pattern = network.ToString();
            return network.Prefix >= (network.IsV4 ? NetworkRange.V4Bits + MinPrefixV4 : MinPrefixV6);
        }

        if (text.IndexOf('@', StringComparison.Ordinal) > 0)
        {
            match = ListMatch.Address;
            if (!MailAddress.TryParse(text, out var address)) return false;
            pattern = address.Folded;
            return true;
        }

        if (!DomainName.TryParse(text.TrimStart('@'), out var domain) || !domain.Value.Contains('.', StringComparison.Ordinal)) return false;   // "com" is a slip
        pattern = domain.Value;
        return true;
    }

    private static NetworkRange? ReadNetwork(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var host = slash < 0 ? text : text[..slash];
        if (!(host.Contains(':', StringComparison.Ordinal) || IpLiteral.IsDotted(host)) || !IPAddress.TryParse(host.Trim('[', ']'), out var address)) return null;
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var prefix = bits;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out prefix) || prefix > bits)) return null;
        return NetworkRange.Of(address, bits == 32 ? prefix + NetworkRange.V4Bits : prefix);
    }
}
