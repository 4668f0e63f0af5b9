using Portal.Core.Domains;

namespace Portal.Smtp.Signatures;

/// <summary>An ARC-Seal field (RFC 8617 §4.1.3).</summary>
internal sealed record ArcSeal(HeaderField Field)
{
    public const string None = "none";
    public const string Pass = "pass";
    public const string Fail = "fail";

    /// <summary>What is wrong with it; null when it can be verified.</summary>
    public SignatureFault? Fault { get; private init; }

    /// <summary>0 when unreadable.</summary>
    public int Instance { get; private init; }

    /// <summary>"cv=": what the hop found of the chain before it; empty when absent.</summary>
    public string Verdict { get; private init; } = "";

    public string Domain { get; private init; } = "";

    public string Selector { get; private init; } = "";

    public SigningAlgorithm? Algorithm { get; private init; }

    public ReadOnlyMemory<byte> Signature { get; private init; }

    public static ArcSeal Parse(HeaderField field)
    {
        var tags = TagList.Parse(field.Value);
        if (tags.Fault is not null) return new ArcSeal(field) { Fault = new(DkimStatus.Neutral, tags.Fault) };

        var (domain, selector) = (DkimName.Read(tags["d"]), DkimName.Read(tags["s"]));
        var octets = Base64Value.Read(tags.Compact("b"), 2048);
        var instance = ArcInstance.Read(tags["i"]);
        var algorithmFault = SigningAlgorithms.Read(tags["a"], out var algorithm);
        return new ArcSeal(field)
        {
            Instance = instance,
            Verdict = tags["cv"]?.ToLowerInvariant() ?? "",
            Domain = domain ?? "",
            Selector = selector ?? "",
            Algorithm = algorithm,
            Signature = octets,
            Fault = FaultOf(tags, instance) ?? algorithmFault
                ?? (domain is null || selector is null ? SignatureFault.BadDomain : null)
                ?? (selector!.Length + domain!.Length > 240 ? SignatureFault.BadSelector : null)
                ?? (octets is null ? SignatureFault.BadSignature : null),
        };
    }

    // §4.1.3: there is no list of fields, and one that stands there fails the chain.
    private static SignatureFault? FaultOf(TagList tags, int instance)
    {
        if (tags["h"] is not null || tags["bh"] is not null) return SignatureFault.BadFields;
        return instance == 0 ? SignatureFault.BadInstance : null;
    }

    /// <summary>Writes what a seal covers: all sets up to its own, oldest first, each results, message signature, seal (RFC 8617 §5.1.1).</summary>
    /// <param name="before">The sets before the one that is sealed; its own seal follows unsigned and is not written here.</param>
    public static void WriteCovered(HashWriter output, IEnumerable<ArcSet> before, HeaderField results, HeaderField messageSignature)
    {
        foreach (var set in before)
        {
            HeaderCanonicalisation.Write(output, set.ResultsField, isRelaxed: true);
            HeaderCanonicalisation.Write(output, set.MessageSignature.Field, isRelaxed: true);
            HeaderCanonicalisation.Write(output, set.Seal.Field, isRelaxed: true);
        }

        HeaderCanonicalisation.Write(output, results, isRelaxed: true);
        HeaderCanonicalisation.Write(output, messageSignature, isRelaxed: true);
    }
}
