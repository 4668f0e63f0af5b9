using Portal.Core.Addresses;

namespace Portal.Core.Policies;

/// <summary>What is done with mail whose sender is not who it says.</summary>
public enum SenderTreatment
{
    /// <summary>550 in the session.</summary>
    Refuse,
    Quarantine,

    /// <summary>Into the junk folder.</summary>
    Junk,

    /// <summary>Delivered, with the result in header and trace.</summary>
    Accept,
}

/// <summary>What is done while the DNS gives no answer that would decide.</summary>
public enum UnknownTreatment
{
    /// <summary>451 4.4.3: the sender tries again.</summary>
    PutOff,

    /// <summary>Delivered, with "temperror" in header and trace.</summary>
    Accept,
}

/// <summary>A domain whose own wish for mail that fails DMARC is not followed.</summary>
/// <param name="Domain">A-label form; names below it are meant too.</param>
/// <param name="Treatment">What is done instead.</param>
public sealed record DmarcOverride(string Domain, SenderTreatment Treatment);

/// <summary>How the checks of who sent a message are followed (RFC 7208 §8, RFC 7489 §6.7, RFC 8617 §5.2). One for the whole system.</summary>
public sealed record SenderPolicy : IPolicy<SenderPolicy>
{
    /// <summary>Overrides, and trusted sealers, at most.</summary>
    public const int MaxDomains = 500;

    public static string Key => "policy.senders";

    public int Version { get; set; }

    /// <summary>A client that the domain of the reverse-path does not let send, where no DMARC policy decides instead (RFC 7489 §6.7 warns of deciding before it).</summary>
    public SenderTreatment OnSpfFail { get; init; } = SenderTreatment.Refuse;

    /// <summary>Whether a failed DMARC is treated as the author's domain asks; else it is only told.</summary>
    public bool FollowsDmarc { get; init; } = true;

    public UnknownTreatment OnDnsFailure { get; init; } = UnknownTreatment.PutOff;

    /// <summary>Exceptions from what domains ask for.</summary>
    public IReadOnlyList<DmarcOverride> Overrides { get; init; } = [];

    /// <summary>Domains, such as those of mailing lists, whose seal is believed about what came to them (RFC 8617 §5.2); A-label form.</summary>
    public IReadOnlyList<string> TrustedSealers { get; init; } = [];

    /// <summary>The override for an author's domain, the most exact one; null for none.</summary>
    public DmarcOverride? OverrideFor(string domain) =>
        Overrides.Where(o => domain == o.Domain || domain.EndsWith("." + o.Domain, StringComparison.Ordinal)).MaxBy(o => o.Domain.Length);

    public Invalid? Fault() =>
        Overrides.Count > MaxDomains ? new Invalid("PolicyTooManyDomains", MaxDomains) { Field = nameof(Overrides) }
        : TrustedSealers.Count > MaxDomains ? new Invalid("PolicyTooManyDomains", MaxDomains) { Field = nameof(TrustedSealers) }
        : Overrides.Select(o => o.Domain).FirstOrDefault(d => !IsDomain(d)) is { } bad ? new Invalid("DomainNameInvalid", bad) { Field = nameof(Overrides) }
        : TrustedSealers.FirstOrDefault(d => !IsDomain(d)) is { } sealer ? new Invalid("DomainNameInvalid", sealer) { Field = nameof(TrustedSealers) }
        : null;

    public SenderPolicy Normal() => this with
    {
        Overrides = [.. Overrides.Select(o => o with { Domain = Fold(o.Domain) }).DistinctBy(o => o.Domain).OrderBy(o => o.Domain, StringComparer.Ordinal)],
        TrustedSealers = [.. TrustedSealers.Select(Fold).Distinct().Order(StringComparer.Ordinal)],
    };

    /// <summary>Whether it says the same, in whatever version; lists by value.</summary>
    public bool Equals(SenderPolicy? other) =>
        other is not null && (OnSpfFail, FollowsDmarc, OnDnsFailure) == (other.OnSpfFail, other.FollowsDmarc, other.OnDnsFailure)
        && Overrides.SequenceEqual(other.Overrides) && TrustedSealers.SequenceEqual(other.TrustedSealers);

    public override int GetHashCode() => HashCode.Combine(OnSpfFail, FollowsDmarc, OnDnsFailure, Overrides.Count, TrustedSealers.Count);

    private static bool IsDomain(string text) => DomainName.TryParse(text.Trim().TrimEnd('.'), out var domain) && domain.Value.Contains('.', StringComparison.Ordinal);

    private static string Fold(string text) => DomainName.TryParse(text.Trim().TrimEnd('.'), out var domain) ? domain.Value : text;
}
