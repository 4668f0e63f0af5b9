using Portal.Smtp.Dns;

namespace Portal.Smtp.Authentication.Dmarc;

internal enum DmarcStatus
{
    None,
    Pass,
    Fail,
    TempError,
    PermError,
}

/// <summary>Whether the author a message shows is who sent it.</summary>
/// <param name="FromDomain">Domain of the author; empty where there is none.</param>
/// <param name="Reason">For people; empty where the status says all.</param>
internal sealed record DmarcResult(DmarcStatus Status, string FromDomain, string Reason)
{
    /// <summary>What the domain publishes; null where it publishes nothing, or nothing that can be read.</summary>
    public DmarcPolicy? Policy { get; init; }

    /// <summary>What it asks to be done with this very message: the policy, or a milder one where pct leaves it out.</summary>
    public DmarcPolicy Requested { get; init; }

    /// <summary>Whether it names more authors than anybody honest does, or one that can't be read.</summary>
    public bool IsEvasive { get; init; }

    /// <summary>Whether there is just this author, wholly read.</summary>
    public bool IsSole { get; init; }

    /// <summary>Name at which the policy was found.</summary>
    public string? PolicyDomain { get; init; }
}

/// <summary>What is proven of a message when DMARC looks at it.</summary>
/// <param name="SpfPass">The domain for which SPF passed; null for none.</param>
/// <param name="DkimPass">Domains with a signature that holds.</param>
/// <param name="Unclear">Domains whose proof may be missing only because the DNS failed; an empty name stands for any.</param>
internal sealed record ProvenDomains(string? SpfPass, IReadOnlyCollection<string> DkimPass, IReadOnlyCollection<string> Unclear);

/// <summary>DMARC (RFC 7489): one proven domain must be that of the author.</summary>
internal sealed class DmarcEvaluator(IMailDns dns)
{
    /// <summary>One author is right; of a few each is asked. More are somebody's trick.</summary>
    public const int MaxAuthors = 5;

    /// <summary>Asks for each domain of the authors and tells of the one that fares worst (RFC 7489 §6.6.1 leaves several to us).</summary>
    /// <param name="domains">A-label form, lower case, each once.</param>
    /// <param name="isFromCut">Whether not all authors are among them.</param>
    /// <param name="sample">0 to 99, the same for the same message: which messages pct takes.</param>
    public async Task<DmarcResult> EvaluateAsync(IReadOnlyCollection<string> domains, bool isFromCut, ProvenDomains proven, int sample, CancellationToken cancel)
    {
        if (isFromCut || domains.Count > MaxAuthors) return new(DmarcStatus.PermError, "", "it names more authors than can be asked for, or one that can't be read") { IsEvasive = true };
        if (domains.Count == 0) return new(DmarcStatus.PermError, "", "it names no author with a domain");
        var results = new List<DmarcResult>(domains.Count);
        foreach (var domain in domains) results.Add(await EvaluateAsync(domain, proven, sample, cancel));
        var worst = results.MaxBy(Weight)!;
        // Of several, one that is neither proven nor refused hides behind the others: an exception for one is none for all.
        return worst with { IsSole = results.Count == 1, IsEvasive = results.Count > 1 && worst.Status is not (DmarcStatus.Pass or DmarcStatus.None) && worst.Requested != DmarcPolicy.Reject };
    }

    private static int Weight(DmarcResult result) => result.Status switch
    {
        DmarcStatus.Fail => 10 + (int)result.Requested,
        DmarcStatus.TempError => 9,
        DmarcStatus.PermError => 2,
        DmarcStatus.None => 1,
        _ => 0,
    };

    private async Task<DmarcResult> EvaluateAsync(string domain, ProvenDomains proven, int sample, CancellationToken cancel)
    {
        // §6.6.3: the name itself, then its organisation.
        var organization = PublicSuffixes.OrganizationalDomainOf(domain);
        var policyDomain = domain;
        var found = await FindAsync(domain, cancel);
        if (found is { HasFailed: false, Record: null, Fault: null } && organization != domain) (policyDomain, found) = (organization, await FindAsync(organization, cancel));

        // Whatever an unknown policy says, the very domain is proven.
        if (found.HasFailed && (proven.SpfPass == domain || proven.DkimPass.Contains(domain))) return new(DmarcStatus.Pass, domain, $"the DNS gave no answer for the policy of {policyDomain}, and the domain itself is proven");
        if (found.HasFailed) return new(DmarcStatus.TempError, domain, $"the DNS gave no answer for the policy of {policyDomain}");
        if (found.Fault is { } fault) return new(DmarcStatus.PermError, domain, $"the policy of {policyDomain} can't be read: {fault}");
        if (found.Record is not { } record) return new(DmarcStatus.None, domain, "the domain publishes no policy");

        var policy = policyDomain == domain ? record.Policy : record.SubdomainPolicy;
        var result = new DmarcResult(DmarcStatus.Pass, domain, "") { Policy = policy, PolicyDomain = policyDomain };
        if (proven.DkimPass.Any(d => IsAligned(d, domain, organization, record.IsDkimStrict))) return result with { Reason = "a signature of the domain holds" };
        if (proven.SpfPass is { } spf && IsAligned(spf, domain, organization, record.IsSpfStrict)) return result with { Reason = "the domain lets the client send for it" };
        if (proven.Unclear.Any(d => d.Length == 0 || IsAligned(d, domain, organization, isStrict: false))) return result with { Status = DmarcStatus.TempError, Reason = "the DNS gave no answer that could prove it" };
        return result with { Status = DmarcStatus.Fail, Reason = "neither a signature nor the client's address proves the domain", Requested = Sampled(policy, record.Percent, sample) };
    }

    // §6.6.4: whom the percentage leaves out gets the next milder policy.
    private static DmarcPolicy Sampled(DmarcPolicy policy, int percent, int sample) => sample < percent || policy == DmarcPolicy.None ? policy : policy - 1;

    // §3.1: strict is the very domain, relaxed one of the same organisation.
    private static bool IsAligned(string proven, string domain, string organization, bool isStrict) =>
        isStrict ? proven == domain : PublicSuffixes.OrganizationalDomainOf(proven) == organization;

    private async Task<(DmarcRecord? Record, string? Fault, bool HasFailed)> FindAsync(string domain, CancellationToken cancel)
    {
        var texts = await dns.TextsAsync($"_dmarc.{domain}", cancel);
        if (texts.Status == DnsStatus.Failed) return (null, null, true);
        string[] records = [.. texts.Records.Where(DmarcRecord.IsDmarc)];
        if (records.Length == 0) return (null, null, false);
        if (records.Length > 1) return (null, "there are several", false);   // §6.6.3: then it counts as none, and nobody else is asked
        return DmarcRecord.TryParse(records[0], out var fault) is { } record ? (record, null, false) : (null, fault, false);
    }
}
