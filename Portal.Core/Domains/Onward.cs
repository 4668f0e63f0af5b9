using Portal.Core.Addresses;

namespace Portal.Core.Domains;

/// <summary>Who holds the mailboxes of a domain.</summary>
public enum DomainKind
{
    /// <summary>This system, all of them.</summary>
    Hosted,

    /// <summary>This system some, another host the others: what is not registered here goes on to it (split delivery).</summary>
    Shared,

    /// <summary>Another host, all of them: we take its mail and hand it on (backup MX, gateway; RFC 5321 §5.1).</summary>
    Relayed,
}

/// <summary>How we know, before mail is taken for another host, that it has the recipient.</summary>
public enum RecipientCheck
{
    /// <summary>The host is asked with RCPT.</summary>
    Asked,

    /// <summary>People have listed them here.</summary>
    Listed,
}

/// <summary>Whether mail of a domain goes on to another host, and to which.</summary>
public sealed record Onward
{
    /// <summary>Domains whose mail goes on, at most; all of them are kept in memory.</summary>
    public const int MaxDomains = 10_000;

    /// <summary>The fields that can be wrong, in the order of a form.</summary>
    public static readonly IReadOnlyList<string> Fields = [nameof(Host), nameof(Port)];

    public static readonly Onward None = new();

    public DomainKind Kind { get; init; }

    /// <summary>Host name or address; null for a hosted domain, and for a relayed one whose MX says it.</summary>
    public string? Host { get; init; }

    public int Port { get; init; } = 25;

    public RouteTls Tls { get; init; }

    public RecipientCheck Check { get; init; }

    /// <summary>What is wrong with one of its fields, by name; null when it is right.</summary>
    public Invalid? FaultOf(string field) => field switch
    {
        _ when Kind == DomainKind.Hosted => null,
        nameof(Host) when string.IsNullOrWhiteSpace(Host) => Kind == DomainKind.Shared ? new("OnwardHostMissing") { Field = field } : null,
        nameof(Host) when PeerHost.Normal(Host) is null => new("RouteHost", Host) { Field = field },
        nameof(Port) when Port is < 1 or > 65535 => new("RoutePort", Port) { Field = field },
        _ => null,
    };

    /// <summary>The same in the form that is stored, or why not; what does not count is left at its default, so that equal settings are equal.</summary>
    internal Outcome<Onward> Normalise()
    {
        foreach (var field in Fields)
            if (FaultOf(field) is { } fault) return fault;
        if (Kind == DomainKind.Hosted) return None;
        return string.IsNullOrWhiteSpace(Host) ? new Onward { Kind = Kind, Check = Check } : this with { Host = PeerHost.Normal(Host) };
    }
}
