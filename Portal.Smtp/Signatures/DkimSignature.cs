using System.Globalization;
using Portal.Core.Domains;

namespace Portal.Smtp.Signatures;

/// <summary>A DKIM-Signature field (RFC 6376 §3.5), or an ARC-Message-Signature, which has the same tags but "v=" and another "i=" (RFC 8617 §4.1.2).</summary>
internal sealed record DkimSignature(HeaderField Field)
{
    public const string FieldName = "DKIM-Signature";

    private const int MaxFields = 1000;
    private const int MaxIdentity = 320;

    /// <summary>What is wrong with it; null when it can be verified. What could be read is here all the same.</summary>
    public SignatureFault? Fault { get; private init; }

    /// <summary>"d=", in A-label form; empty when it cannot be read.</summary>
    public string Domain { get; private init; } = "";

    /// <summary>"s="; empty when it cannot be read.</summary>
    public string Selector { get; private init; } = "";

    /// <summary>"i=", decoded; "@" and the domain when not given; empty when it cannot be read.</summary>
    public string Identity { get; private init; } = "";

    /// <summary>The domain of <see cref="Identity"/> in A-label form.</summary>
    public string IdentityDomain { get; private init; } = "";

    /// <summary>"i=" of an ARC-Message-Signature; 0 in others.</summary>
    public int Instance { get; private init; }

    /// <summary>Null when it is none that we take.</summary>
    public SigningAlgorithm? Algorithm { get; private init; }

    public bool IsHeaderRelaxed { get; private init; }

    public bool IsBodyRelaxed { get; private init; }

    /// <summary>"l=": how much of the canonical body is signed; null for all.</summary>
    public long? BodyLength { get; private init; }

    /// <summary>"h=", in its order.</summary>
    public IReadOnlyList<string> SignedFields { get; private init; } = [];

    public ReadOnlyMemory<byte> BodyHash { get; private init; }

    public ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>The first eight characters of "b=", which tell two signatures of one domain apart (RFC 6008 §4).</summary>
    public string SignatureStart { get; private init; } = "";

    /// <summary>"x=" in seconds since 1970; null when it does not expire.</summary>
    public long? ExpiresAt { get; private init; }

    /// <summary>Reads a field; never fails, but tells in <see cref="Fault"/>.</summary>
    public static DkimSignature Parse(HeaderField field, bool isArc = false)
    {
        var tags = TagList.Parse(field.Value);
        if (tags.Fault is not null) return new DkimSignature(field) { Fault = new(DkimStatus.Neutral, tags.Fault) };

        var base64 = tags.Compact("b");
        var octets = Base64Value.Read(base64, 2048);
        var bodyHash = Base64Value.Read(tags.Compact("bh"), 64);
        var algorithmFault = SigningAlgorithms.Read(tags["a"], out var algorithm);
        var forms = ReadForms(tags.Compact("c") ?? "simple/simple");
        var fields = tags.Names("h");
        var domain = DkimName.Read(tags["d"]);
        var selector = DkimName.Read(tags["s"]);
        var identity = isArc || tags["i"] is not { } given ? $"@{domain}" : DkimQuotedPrintable.Decode(given, MaxIdentity);
        var identityDomain = DkimName.Read(identity?[(identity.LastIndexOf('@') + 1)..]);

        return new DkimSignature(field)
        {
            Algorithm = algorithm,
            Domain = domain ?? "",
            Selector = selector ?? "",
            Identity = domain is null ? "" : identity ?? "",
            IdentityDomain = identityDomain ?? "",
            Instance = isArc ? ArcInstance.Read(tags["i"]) : 0,
            IsHeaderRelaxed = forms?.Header ?? false,
            IsBodyRelaxed = forms?.Body ?? false,
            BodyLength = tags["l"] is { } length ? ReadNumber(length, 76) : null,
            SignedFields = fields ?? [],
            BodyHash = bodyHash,
            Signature = octets,
            SignatureStart = octets is null ? "" : base64![..Math.Min(8, base64!.Length)],
            ExpiresAt = tags["x"] is { } expires ? ReadNumber(expires, 12) : null,
            Fault = (isArc ? ArcFault(tags, fields) : VersionFault(tags))
                ?? algorithmFault
                ?? Required(tags["d"], domain, SignatureFault.BadDomain)
                ?? (domain!.Contains('.', StringComparison.Ordinal) ? null : SignatureFault.BadDomain)   // §3.5: domain-name has two labels or more
                ?? Required(tags["s"], selector, SignatureFault.BadSelector)
                ?? (selector!.Length + domain!.Length > 240 ? SignatureFault.BadSelector : null)   // RFC 1035 §2.3.4, for the key's name
                ?? Required(tags["b"], octets, SignatureFault.BadSignature)
                ?? Required(tags["bh"], bodyHash is { Length: 32 } ? bodyHash : null, SignatureFault.BadBodyHash)
                ?? (forms is null ? SignatureFault.UnknownCanonicalisation : null)
                ?? Required(tags["h"], fields is { Length: > 0 and <= MaxFields } ? fields : null, SignatureFault.BadFields)
                ?? (fields!.Contains("from", StringComparer.OrdinalIgnoreCase) ? null : SignatureFault.FromNotSigned)   // §5.4
                ?? IdentityFault(identity, identityDomain, domain!)
                ?? (tags["l"] is { } l && ReadNumber(l, 76) is null ? SignatureFault.BadLength : null)
                ?? (isArc || tags["q"] is null || (tags.Names("q") ?? []).Contains("dns/txt") ? null : SignatureFault.UnknownQuery)
                ?? TimeFault(tags["t"], tags["x"]),
        };
    }

    /// <summary>Whether "x=" has passed; a few minutes are given to clocks that differ (§3.5 leaves it to us).</summary>
    public bool HasExpired(DateTimeOffset now) => ExpiresAt < now.ToUnixTimeSeconds() - 300;

    private static SignatureFault? VersionFault(TagList tags) => tags["v"] switch
    {
        null => SignatureFault.TagMissing,
        "1" => null,
        _ => SignatureFault.UnknownVersion,
    };

    private static SignatureFault? ArcFault(TagList tags, string[]? fields)
    {
        if (ArcInstance.Read(tags["i"]) == 0) return SignatureFault.BadInstance;
        // RFC 8617 §4.1.2: the seals are no part of what the message signature covers.
        return fields?.Contains(ArcChain.Seal, StringComparer.OrdinalIgnoreCase) is true ? SignatureFault.SealSigned : null;
    }

    private static SignatureFault? Required(string? text, object? read, SignatureFault fault) =>
        text is null ? SignatureFault.TagMissing : read is null ? fault : null;

    // §3.5 "i=": its domain is "d=" or below it.
    private static SignatureFault? IdentityFault(string? identity, string? identityDomain, string domain)
    {
        if (identityDomain is null || identity?.Contains('@', StringComparison.Ordinal) is not true) return SignatureFault.BadIdentity;
        return DkimName.IsWithin(identityDomain, domain) ? null : SignatureFault.IdentityOutside;
    }

    private static SignatureFault? TimeFault(string? signed, string? expires)
    {
        var (from, to) = (signed is null ? null : ReadNumber(signed, 12), expires is null ? null : ReadNumber(expires, 12));
        if ((signed is not null && from is null) || (expires is not null && to is null)) return SignatureFault.BadTime;
        return to <= from ? SignatureFault.ExpiresBeforeSigned : null;   // §3.5 "x="
    }

    // "header/body"; the body's is simple when not given (§3.5 "c=").
    private static (bool Header, bool Body)? ReadForms(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var header = IsRelaxed(slash < 0 ? text : text[..slash]);
        var body = slash < 0 ? false : IsRelaxed(text[(slash + 1)..]);
        return header is { } h && body is { } b ? (h, b) : null;
    }

    private static bool? IsRelaxed(string form) => form switch
    {
        "relaxed" => true,
        "simple" => false,
        _ => null,
    };

    // A number too large for us is larger than anything it is compared with.
    private static long? ReadNumber(string text, int maxDigits)
    {
        if (text.Length == 0 || text.Length > maxDigits || text.AsSpan().ContainsAnyExceptInRange('0', '9')) return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : long.MaxValue;
    }
}
