using System.Net;
using Portal.Core.Addresses;

namespace Portal.Core.Queue;

/// <summary>A route as it is to become.</summary>
public sealed record RouteDraft
{
    public const int MaxNameLength = 100;

    public required string Name { get; init; }

    public RouteMatch Match { get; init; }

    /// <summary>Recipient domain, or sender address or "@domain"; empty for <see cref="RouteMatch.All"/>.</summary>
    public string Pattern { get; init; } = "";

    /// <summary>Host name or address.</summary>
    public required string Host { get; init; }

    public int Port { get; init; } = 25;

    public RouteTls Tls { get; init; }

    /// <summary>Null or empty for a host that asks for none.</summary>
    public string? UserName { get; init; }

    /// <summary>Null keeps what is stored; empty removes it.</summary>
    public string? Password { get; init; }

    /// <summary>The same in the form that is stored, or why not.</summary>
    internal Outcome<RouteDraft> Normalise()
    {
        var name = Name.Trim();
        if (name.Length is 0 or > MaxNameLength) return new Invalid("RouteNameLength", MaxNameLength) { Field = nameof(Name) };

        var pattern = NormalPattern();
        if (pattern is null) return new Invalid(Match == RouteMatch.Sender ? "RouteSenderPattern" : "RouteDomainPattern", Pattern) { Field = nameof(Pattern) };

        var host = NormalHost(Host.Trim());
        if (host is null) return new Invalid("RouteHost", Host) { Field = nameof(Host) };
        if (Port is < 1 or > 65535) return new Invalid("RoutePort", Port) { Field = nameof(Port) };

        var userName = string.IsNullOrWhiteSpace(UserName) ? null : UserName.Trim();
        if (userName?.Length > 320) return new Invalid("RouteUserName") { Field = nameof(UserName) };

        // A password goes only to a host that has proved who it is, or to this machine (RFC 4954 §4).
        if (userName is not null && Tls is (RouteTls.None or RouteTls.Opportunistic) && !IsThisMachine(host))
            return new Invalid("RoutePasswordNeedsTls") { Field = nameof(Tls) };

        return this with { Name = name, Pattern = pattern, Host = host, UserName = userName };
    }

    private string? NormalPattern()
    {
        var text = Pattern.Trim();
        switch (Match)
        {
            case RouteMatch.All:
                return "";
            case RouteMatch.RecipientDomain:
                return DomainName.TryParse(text.TrimStart('@'), out var domain) ? domain.Value : null;
            default:
                if (text.StartsWith('@')) return DomainName.TryParse(text[1..], out var senders) ? "@" + senders.Value : null;
                return MailAddress.TryParse(text, out var address) ? address.Folded : null;
        }
    }

    private static string? NormalHost(string text)
    {
        if (IPAddress.TryParse(text.Trim('[', ']'), out var address) && text.AsSpan().ContainsAny('.', ':')) return address.ToString();
        if (text.Equals("localhost", StringComparison.OrdinalIgnoreCase)) return "localhost";
        return DomainName.TryParse(text, out var name) ? name.Value : null;
    }

    private static bool IsThisMachine(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}

/// <summary>A route as people see it: its password never leaves the service.</summary>
public sealed record RouteView(
    Guid Id, string Name, RouteMatch Match, string Pattern, string Host, int Port, RouteTls Tls, string? UserName, bool HasPassword, bool IsDisabled, int Version)
{
    /// <summary>The key its entries wait under in the queue.</summary>
    public string RouteKey => RouteSelector.KeyOf(Host, Port);
}
