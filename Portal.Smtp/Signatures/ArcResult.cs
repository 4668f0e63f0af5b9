namespace Portal.Smtp.Signatures;

/// <summary>What became of a chain (RFC 8617 §4.4); TempError where the DNS could not tell.</summary>
internal enum ArcStatus
{
    None,
    Pass,
    Fail,
    TempError,
}

/// <summary>Who sealed one set: "i=", "d=" and "s=" of the seal.</summary>
internal readonly record struct ArcHop(int Instance, string Domain, string Selector);

/// <summary>What became of the ARC chain of a message.</summary>
/// <param name="Reason">A fixed phrase; empty for none and pass.</param>
internal sealed record ArcResult(ArcStatus Status, string Reason)
{
    public static readonly ArcResult None = new(ArcStatus.None, "");

    /// <summary>Newest first; empty when the structure is broken. Only of a pass are they known to be true.</summary>
    public IReadOnlyList<ArcHop> Sealers { get; init; } = [];

    /// <summary>What each hop found, by instance; foreign text, and true only as far as the hop is trusted.</summary>
    public IReadOnlyDictionary<int, string> AuthenticationResults { get; init; } = new Dictionary<int, string>();

    /// <summary>The oldest instance whose message signature still holds, 0 when all do (RFC 8617 §5.2 step 5); null unless the chain passes.</summary>
    public int? OldestPass { get; init; }

    /// <summary>"l=" of the newest message signature leaves octets of the body unsigned: anybody may have added them.</summary>
    public bool HasUnsignedBody { get; init; }
}
