namespace Portal.Smtp.Signatures;

/// <summary>One hop's three fields (RFC 8617 §4.2).</summary>
/// <param name="AuthenticationResults">What the hop found: the text after its "i=", unfolded.</param>
internal sealed record ArcSet(int Instance, HeaderField ResultsField, string AuthenticationResults, DkimSignature MessageSignature, ArcSeal Seal);

/// <summary>The ARC sets of a message, oldest first (RFC 8617 §5.2, steps 1 to 3).</summary>
internal sealed class ArcChain
{
    /// <summary>RFC 8617 §4.2.1.</summary>
    public const int MaxSets = 50;

    public const string Seal = "ARC-Seal";
    public const string MessageSignature = "ARC-Message-Signature";
    public const string Results = "ARC-Authentication-Results";

    private ArcChain()
    {
    }

    /// <summary>All sets, in order; empty when there is none or <see cref="Fault"/> says why not.</summary>
    public IReadOnlyList<ArcSet> Sets { get; private init; } = [];

    /// <summary>Why the structure is broken; null when it is not.</summary>
    public string? Fault { get; private init; }

    /// <summary>The highest instance that any field names.</summary>
    public int Highest { get; private init; }

    /// <summary>Whether the newest seal says "cv=fail": the chain has ended there.</summary>
    public bool HasEnded { get; private init; }

    public static ArcChain Of(HeaderFields header)
    {
        var results = header.Named(Results, MaxSets + 1).Select(f => (Field: f, Read: ArcResultsField.Read(f))).ToList();
        var signatures = header.Named(MessageSignature, MaxSets + 1).Select(f => DkimSignature.Parse(f, isArc: true)).ToList();
        var seals = header.Named(Seal, MaxSets + 1).Select(ArcSeal.Parse).ToList();
        if (results.Count + signatures.Count + seals.Count == 0) return new ArcChain();

        var highest = seals.Select(s => s.Instance).Concat(signatures.Select(s => s.Instance)).Concat(results.Select(r => r.Read.Instance)).Max();
        var newest = seals.MaxBy(s => s.Instance);
        var broken = new ArcChain { Highest = highest, HasEnded = newest?.Verdict == ArcSeal.Fail, Fault = "ARC sets incomplete" };
        if (header.IsCut) return broken.Broken("too many header fields");
        if (Math.Max(results.Count, Math.Max(signatures.Count, seals.Count)) > MaxSets) return broken.Broken("too many ARC sets");
        if (broken.HasEnded) return broken.Broken("an earlier hop found the chain broken");   // step 2

        // Step 3: one of each and no gap; as many as the highest number, all different, can only be 1..N.
        if (results.Count != highest || signatures.Count != highest || seals.Count != highest) return broken;
        var sets = new List<ArcSet>(highest);
        for (var i = 1; i <= highest; i++)
        {
            var result = results.Find(r => r.Read.Instance == i);
            if (result.Read.Instance != i || signatures.Find(s => s.Instance == i) is not { } signature || seals.Find(s => s.Instance == i) is not { } seal) return broken;
            if (seal.Fault is not null) return broken.Broken(seal.Fault.Reason);
            if (seal.Verdict != (i == 1 ? ArcSeal.None : ArcSeal.Pass)) return broken.Broken("wrong cv in a seal");
            sets.Add(new ArcSet(i, result.Field, result.Read.Text, signature, seal));
        }

        return new ArcChain { Sets = sets, Highest = highest };
    }

    private ArcChain Broken(string fault) => new() { Highest = Highest, HasEnded = HasEnded, Fault = fault };
}
