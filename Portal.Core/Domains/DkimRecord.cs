namespace Portal.Core.Domains;

/// <summary>The TXT record that tells the world a public key (RFC 6376 §3.6).</summary>
/// <param name="Name">With the dot at its end.</param>
/// <param name="Value">Whole; the DNS holds it as <see cref="Strings"/>.</param>
public sealed record DkimRecord(string Name, string Value)
{
    // RFC 1035 §3.3: one octet tells a string's length.
    private const int MaxStringOctets = 255;

    public static DkimRecord Of(string domain, string selector, SigningAlgorithm algorithm, string publicKey) =>
        new($"{selector}._domainkey.{domain}.", $"v=DKIM1; k={KindOf(algorithm)}; p={publicKey}");

    /// <summary>The value in pieces that a string of the DNS can hold; readers put them together without a space (RFC 6376 §3.6.2.2).</summary>
    public IReadOnlyList<string> Strings => [.. Value.Chunk(MaxStringOctets).Select(piece => new string(piece))];

    /// <summary>As a zone file has it (RFC 1035 §5.1).</summary>
    public string ZoneLine => $"{Name} IN TXT {(Strings is [var only] ? $"\"{only}\"" : $"( {string.Join(' ', Strings.Select(s => $"\"{s}\""))} )")}";

    /// <summary>Compares what the DNS answered under the name: a verifier must read the same key for mail signed with SHA-256, however it is written.</summary>
    public KeyRecordState Judge(IReadOnlyList<string> texts) => texts switch
    {
        [] => KeyRecordState.Missing,
        [var text] when TagsOf(text) is { } found && TagsOf(Value) is { } wanted && IsSame(found, wanted) => KeyRecordState.Found,
        _ => KeyRecordState.Different,   // RFC 6376 §3.6.2.2: of several, verifiers may take any
    };

    private static string KindOf(SigningAlgorithm algorithm) => algorithm == SigningAlgorithm.Ed25519Sha256 ? "ed25519" : "rsa";

    private static bool IsSame(TagList found, TagList wanted) =>
        found.Compact("p") == wanted["p"]
        && (found["k"] ?? "rsa") == wanted["k"]
        && (found.Names("h") is not { } hashes || hashes.Contains("sha256"))
        && (found.Names("s") is not { } services || services.Contains("*") || services.Contains("email"));

    /// <summary>Null for what a verifier would not read as a key record (RFC 6376 §3.6.1: the version comes first, and is no other).</summary>
    private static TagList? TagsOf(string text) =>
        TagList.Parse(text) is { Fault: null } tags && (tags["v"] is not { } version || (version == "DKIM1" && tags.First == "v")) ? tags : null;
}
