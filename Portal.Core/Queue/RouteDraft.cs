using System.Net;
using Portal.Core.Addresses;

namespace Portal.Core.Queue;

/// <summary>A route as it is to become.</summary>
public sealed record RouteDraft
{
    public const int MaxNameLength = 100;

    /// <summary>The fields that can be wrong, in the order of a form.</summary>
    public static readonly IReadOnlyList<string> Fields = [nameof(Name), nameof(Pattern), nameof(Host), nameof(Port), nameof(Tls), nameof(UserName)];

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

    /// <summary>A route as it was; its password stays what it is, or none.</summary>
    public static RouteDraft Of(RouteView view) => new()
    {
        Name = view.Name,
        Match = view.Match,
        Pattern = view.Pattern,
        Host = view.Host,
        Port = view.Port,
        Tls = view.Tls,
        UserName = view.UserName,
        Password = view.HasPassword ? null : "",
    };

    /// <summary>What is wrong with one of its fields, by name; null when it is right.</summary>
    public Invalid? FaultOf(string field) => field switch
    {
        nameof(Name) when Name.Trim().Length is 0 or > MaxNameLength => new("RouteNameLength", MaxNameLength) { Field = field },
        nameof(Pattern) when NormalPattern() is null => new(Match == RouteMatch.Sender ? "RouteSenderPattern" : "RouteDomainPattern", Pattern) { Field = field },
        nameof(Host) when PeerHost.Normal(Host) is null => new("RouteHost", Host) { Field = field },
        nameof(Port) when Port is < 1 or > 65535 => new("RoutePort", Port) { Field = field },
        nameof(UserName) when NormalUserName?.Length > 320 => new("RouteUserName") { Field = field },
        // A password goes only to a host that has proved who it is, or to this machine (RFC 4954 §4).
        nameof(Tls) when NormalUserName is not null && Tls is (RouteTls.None or RouteTls.Opportunistic) && PeerHost.Normal(Host) is { } host && !IsThisMachine(host) => new("RoutePasswordNeedsTls") { Field = field },
        _ => null,
    };

    /// <summary>The same in the form that is stored, or why not.</summary>
    internal Outcome<RouteDraft> Normalise()
    {
        foreach (var field in Fields)
            if (FaultOf(field) is { } fault) return fault;
        return this with { Name = Name.Trim(), Pattern = NormalPattern()!, Host = PeerHost.Normal(Host)!, UserName = NormalUserName };
    }

    private string? NormalUserName => string.IsNullOrWhiteSpace(UserName) ? null : UserName.Trim();

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

    private static bool IsThisMachine(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}

/// <summary>A route as people see it: its password never leaves the service.</summary>
public sealed record RouteView(
    Guid Id, string Name, RouteMatch Match, string Pattern, string Host, int Port, RouteTls Tls, string? UserName, bool HasPassword, bool IsDisabled, int Version)
{
    /// <summary>The key its entries wait under in the queue.</summary>
    public string RouteKey => RouteSelector.KeyOf(Host, Port);
}
