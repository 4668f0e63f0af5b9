namespace Portal.Smtp.Signatures;

/// <summary>What became of a signature (RFC 8601 §2.7.1); a message without one has no result.</summary>
internal enum DkimStatus
{
    Pass,
    Fail,

    /// <summary>Syntax errors, or what we cannot process.</summary>
    Neutral,

    /// <summary>The DNS gave no answer: asked again later it may pass.</summary>
    TempError,

    /// <summary>It can never be verified.</summary>
    PermError,

    /// <summary>Not acceptable here: an algorithm or a key that is too weak.</summary>
    Policy,
}

/// <summary>Why a signature does not pass; the reason is a fixed phrase, never foreign text.</summary>
internal sealed record SignatureFault(DkimStatus Status, string Reason)
{
    public static readonly SignatureFault HeaderTooLong = new(DkimStatus.Neutral, "too many header fields");
    public static readonly SignatureFault UnknownVersion = new(DkimStatus.Neutral, "unknown version");
    public static readonly SignatureFault UnknownAlgorithm = new(DkimStatus.Neutral, "unknown algorithm");
    public static readonly SignatureFault UnknownCanonicalisation = new(DkimStatus.Neutral, "unknown canonicalisation");
    public static readonly SignatureFault UnknownQuery = new(DkimStatus.Neutral, "unknown query method");
    public static readonly SignatureFault BadDomain = new(DkimStatus.Neutral, "malformed domain");
    public static readonly SignatureFault BadSelector = new(DkimStatus.Neutral, "malformed selector");
    public static readonly SignatureFault BadIdentity = new(DkimStatus.Neutral, "malformed identity");
    public static readonly SignatureFault BadSignature = new(DkimStatus.Neutral, "malformed signature value");
    public static readonly SignatureFault BadBodyHash = new(DkimStatus.Neutral, "malformed body hash");
    public static readonly SignatureFault BadFields = new(DkimStatus.Neutral, "malformed list of signed fields");
    public static readonly SignatureFault BadLength = new(DkimStatus.Neutral, "malformed body length");
    public static readonly SignatureFault BadTime = new(DkimStatus.Neutral, "malformed time");
    public static readonly SignatureFault BadInstance = new(DkimStatus.Neutral, "malformed instance");

    public static readonly SignatureFault TagMissing = new(DkimStatus.PermError, "required tag missing");
    public static readonly SignatureFault FromNotSigned = new(DkimStatus.PermError, "From not signed");
    public static readonly SignatureFault SealSigned = new(DkimStatus.PermError, "ARC-Seal among the signed fields");
    public static readonly SignatureFault IdentityOutside = new(DkimStatus.PermError, "identity outside the domain");
    public static readonly SignatureFault ExpiresBeforeSigned = new(DkimStatus.PermError, "expires before it was signed");
    public static readonly SignatureFault Expired = new(DkimStatus.PermError, "signature expired");

    public static readonly SignatureFault NoKey = new(DkimStatus.PermError, "no key in the DNS");
    public static readonly SignatureFault BadKey = new(DkimStatus.PermError, "malformed key");
    public static readonly SignatureFault KeyRevoked = new(DkimStatus.PermError, "key revoked");
    public static readonly SignatureFault KeyOfAnotherKind = new(DkimStatus.PermError, "key is for another algorithm");
    public static readonly SignatureFault KeyForbidsHash = new(DkimStatus.PermError, "key does not allow the hash");
    public static readonly SignatureFault KeyNotForMail = new(DkimStatus.PermError, "key is not for mail");
    public static readonly SignatureFault DnsFailed = new(DkimStatus.TempError, "DNS failed");

    public static readonly SignatureFault Sha1 = new(DkimStatus.Policy, "rsa-sha1 is not accepted");
    public static readonly SignatureFault KeyTooShort = new(DkimStatus.Policy, "key too short");
    public static readonly SignatureFault KeyTooLong = new(DkimStatus.Policy, "key too long");

    public static readonly SignatureFault BodyTooShort = new(DkimStatus.Fail, "body shorter than signed");
    public static readonly SignatureFault BodyDiffers = new(DkimStatus.Fail, "body hash differs");
    public static readonly SignatureFault SignatureDiffers = new(DkimStatus.Fail, "signature differs");
}
