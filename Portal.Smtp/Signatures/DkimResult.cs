namespace Portal.Smtp.Signatures;

/// <summary>What became of one DKIM signature.</summary>
/// <param name="Status">RFC 8601 §2.7.1.</param>
/// <param name="Reason">A fixed phrase; empty for a pass.</param>
internal sealed record DkimResult(DkimStatus Status, string Reason)
{
    /// <summary>"d=" in A-label form; empty when unreadable. Only of a pass is it known to be true.</summary>
    public string Domain { get; init; } = "";

    public string Selector { get; init; } = "";

    /// <summary>"i=", decoded: foreign text without controls.</summary>
    public string Identity { get; init; } = "";

    /// <summary>"a="; empty when it is none that we take.</summary>
    public string Algorithm { get; init; } = "";

    /// <summary>The key says "t=y": treat the message as if it were not signed (RFC 6376 §3.6.1).</summary>
    public bool IsTesting { get; init; }

    /// <summary>For header.b (RFC 6008 §4): the first eight characters of "b=".</summary>
    public string SignatureStart { get; init; } = "";

    /// <summary>"l=" leaves octets of the body unsigned: anybody may have added them (RFC 6376 §8.2).</summary>
    public bool HasUnsignedBody { get; init; }
}
