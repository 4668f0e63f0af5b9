using System.Collections.Concurrent;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Portal.Core.Domains;

namespace Portal.Smtp.Signatures;

/// <summary>A key in the DNS (RFC 6376 §3.6.1, RFC 8463 §4).</summary>
internal sealed record DkimKeyRecord
{
    private const int MaxText = 16 * 1024;
    private const int MaxKeyOctets = 4096;
    private const int MaxExponentOctets = 4;
    private const int MinRsaBits = 1024;   // RFC 8301 §3.2
    private const int MaxRsaBits = 8192;   // RFC 8301 §3.2 asks for 4096; more than this is only work for us

    // Reading a key costs more than verifying with it: those seen of late are ready, by the text of their records.
    private const int MaxReady = 1_000;
    private const int MaxReadyText = 2_000;   // a key of 4,096 bits has 750
    private static readonly ConcurrentDictionary<string, DkimKeyRecord> Ready = new(StringComparer.Ordinal);

    private ReadOnlyMemory<byte> key;
    private RSA? rsa;

    /// <summary>What is wrong with it; null when it is a key.</summary>
    public SignatureFault? Fault { get; private init; }

    public SigningAlgorithm Algorithm { get; private init; }

    /// <summary>"t=y": the domain is only testing; a failure means no more than no signature (§3.6.1).</summary>
    public bool IsTesting { get; private init; }

    /// <summary>"t=s": the identity's domain must be the signature's own.</summary>
    public bool IsStrict { get; private init; }

    private bool AllowsSha256 { get; init; } = true;

    private bool AllowsMail { get; init; } = true;

    /// <summary>The first TXT record that is a key; where none is, the fault of the first.</summary>
    public static DkimKeyRecord Choose(IReadOnlyList<string> records)
    {
        DkimKeyRecord? first = null;
        foreach (var text in records.Take(10))
        {
            var record = Ready.TryGetValue(text, out var known) ? known : Remember(text, Parse(text));
            if (record.Fault != SignatureFault.BadKey) return record;
            first ??= record;
        }

        return first ?? Faulty(SignatureFault.NoKey);
    }

    private static DkimKeyRecord Remember(string text, DkimKeyRecord record)
    {
        if (record.Fault is not null || text.Length > MaxReadyText) return record;
        if (Ready.Count >= MaxReady) Ready.Clear();
        return Ready[text] = record;
    }

    public static DkimKeyRecord Faulty(SignatureFault fault) => new() { Fault = fault };

    public static DkimKeyRecord Parse(string text)
    {
        var tags = text.Length <= MaxText ? TagList.Parse(text) : null;
        if (tags is not { Fault: null } || tags["p"] is null) return Faulty(SignatureFault.BadKey);
        // §3.6.1 "v=": first where it stands at all, and exactly this; anything else is no key record.
        if (tags["v"] is { } version && (version != "DKIM1" || tags.First != "v")) return Faulty(SignatureFault.BadKey);

        var flags = tags.Names("t") ?? [];
        var record = new DkimKeyRecord
        {
            Algorithm = tags["k"] == "ed25519" ? SigningAlgorithm.Ed25519Sha256 : SigningAlgorithm.RsaSha256,
            IsTesting = flags.Contains("y"),
            IsStrict = flags.Contains("s"),
            AllowsSha256 = tags.Names("h") is not { } hashes || hashes.Contains("sha256"),
            AllowsMail = tags.Names("s") is not { } services || services.Contains("*") || services.Contains("email"),
            key = Base64Value.Read(tags.Compact("p"), MaxKeyOctets),
        };

        if (tags["p"]!.Length == 0) return record with { Fault = SignatureFault.KeyRevoked };
        if (tags["k"] is not (null or "rsa" or "ed25519")) return record with { Fault = SignatureFault.KeyOfAnotherKind };
        var fault = record.KeyFault();   // first: it reads the key
        return record with { Fault = fault };
    }

    /// <summary>Why this key cannot serve a signature; null when it can (§3.6.1, §6.1.2).</summary>
    public SignatureFault? FaultFor(DkimSignature signature) =>
        FaultFor(signature.Algorithm) ?? (IsStrict && signature.IdentityDomain != signature.Domain ? SignatureFault.IdentityOutside : null);

    public SignatureFault? FaultFor(SigningAlgorithm? algorithm)
    {
        if (Fault is not null) return Fault;
        if (Algorithm != algorithm) return SignatureFault.KeyOfAnotherKind;
        if (!AllowsSha256) return SignatureFault.KeyForbidsHash;
        return AllowsMail ? null : SignatureFault.KeyNotForMail;
    }

    /// <summary>Whether a signature over a SHA-256 hash was made by this key. RFC 8463 §3: Ed25519 signs the hash as if it were the message.</summary>
    public bool Verifies(byte[] hash, ReadOnlySpan<byte> signature)
    {
        if (Algorithm == SigningAlgorithm.Ed25519Sha256)
            return signature.Length == Ed25519.SignatureSize && Ed25519.Verify(signature.ToArray(), 0, key.ToArray(), 0, hash, 0, hash.Length);

        try
        {
            if (rsa is null) return false;
            lock (rsa) return rsa.VerifyHash(hash, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);   // several messages at once may be signed by it
        }
        catch (CryptographicException)
        {
            return false;   // a key that can be read but not calculated with
        }
    }

    private SignatureFault? KeyFault()
    {
        if (key.Length == 0) return SignatureFault.BadKey;
        if (Algorithm == SigningAlgorithm.Ed25519Sha256) return key.Length == Ed25519.PublicKeySize ? null : SignatureFault.BadKey;   // RFC 8463 §4
        rsa = ImportRsa();
        return rsa?.KeySize switch
        {
            null => SignatureFault.BadKey,
            < MinRsaBits => SignatureFault.KeyTooShort,
            > MaxRsaBits => SignatureFault.KeyTooLong,
            _ when rsa.ExportParameters(includePrivateParameters: false).Exponent!.Length > MaxExponentOctets => SignatureFault.KeyTooLong,   // each verification would cost as much as a signature
            _ => null,
        };
    }

    // The text of §3.6.1 names RSAPublicKey, while appendix C and all the world write SubjectPublicKeyInfo: both are read.
    private RSA? ImportRsa()
    {
        var rsa = RSA.Create();
        try
        {
            if (IsSubjectPublicKeyInfo(key.Span)) rsa.ImportSubjectPublicKeyInfo(key.Span, out _);
            else rsa.ImportRSAPublicKey(key.Span, out _);
            return rsa;
        }
        catch (CryptographicException)
        {
            rsa.Dispose();
            return null;
        }
    }

    // In both a SEQUENCE; within, the algorithm (a SEQUENCE) against the modulus (an INTEGER).
    private static bool IsSubjectPublicKeyInfo(ReadOnlySpan<byte> key)
    {
        if (key.Length < 8) return false;
        var length = key[1] < 0x80 ? 0 : key[1] & 0x0f;
        return 2 + length < key.Length && key[2 + length] == 0x30;
    }
}
