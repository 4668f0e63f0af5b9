using Portal.Core.Trace;
using Portal.Smtp.Authentication.Dmarc;
using Portal.Smtp.Authentication.Spf;
using Portal.Smtp.Signatures;

namespace Portal.Smtp.Authentication;

/// <summary>What was found out about who sent a message; found once a message, before anything is decided about it.</summary>
internal sealed record SenderProof
{
    public required SpfResult Spf { get; init; }

    /// <summary>Domain that SPF was asked about: the reverse-path's, or the client's own name where that is null (RFC 7208 §2.4).</summary>
    public required string SpfDomain { get; init; }

    /// <summary>Whether it was the client's name that was asked about.</summary>
    public bool IsSpfOfHello { get; init; }

    /// <summary>One result a signature; empty when there is none.</summary>
    public required IReadOnlyList<DkimResult> Dkim { get; init; }

    public required DmarcResult Dmarc { get; init; }

    public required ArcResult Arc { get; init; }

    public required ReverseNameResult ReverseName { get; init; }

    /// <summary>Whether the reverse-path is proven to be used by who may: what answers to it reach who sent the message.</summary>
    public bool IsReversePathProven => !IsSpfOfHello && Spf.Status == SpfStatus.Pass;

    /// <summary>Whether a signature holds of the domain, or of one of the same organisation.</summary>
    public bool IsSignedBy(string domain)
    {
        var organization = PublicSuffixes.OrganizationalDomainOf(domain);
        return Dkim.Any(s => s is { Status: DkimStatus.Pass, IsTesting: false, HasUnsignedBody: false } && PublicSuffixes.OrganizationalDomainOf(s.Domain) == organization);
    }

    /// <summary>Each result as the trace tells it, also where all is well.</summary>
    public IEnumerable<TraceFact> Findings()
    {
        yield return Fact($"spf.{Spf.Status}", ("domain", SpfDomain), ("reason", Spf.Reason), ("explanation", Spf.Explanation));
        if (Dkim.Count == 0) yield return Fact("dkim.None");
        foreach (var signature in Dkim)
        {
            yield return Fact($"dkim.{signature.Status}", ("domain", signature.Domain), ("selector", signature.Selector), ("algorithm", signature.Algorithm), ("reason", signature.Reason),
                ("note", signature.HasUnsignedBody ? "part of the body is not signed" : signature.IsTesting ? "the key is for testing" : null));
        }

        yield return Fact($"dmarc.{Dmarc.Status}", ("domain", Dmarc.FromDomain), ("policy", Dmarc.Policy?.ToString()), ("requested", Dmarc.Status == DmarcStatus.Fail ? Dmarc.Requested.ToString() : null), ("policyDomain", Dmarc.PolicyDomain), ("reason", Dmarc.Reason));
        yield return Fact($"arc.{Arc.Status}", ("sealers", string.Join(TraceInputs.Separator, Arc.Sealers.Select(s => s.Domain))), ("reason", Arc.Reason));
        yield return Fact($"iprev.{ReverseName.Status}", ("name", ReverseName.Name), ("reason", ReverseName.Reason));
    }

    private static TraceFact Fact(string rule, params ReadOnlySpan<(string Name, string? Text)> inputs) => new(rule, TraceInputs.Told(inputs));
}
