using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Portal.Core.Certificates;

/// <summary>What a certificate says of itself, for people.</summary>
/// <param name="Names">Its DNS names as A-labels, which may begin with "*."; the subject where it has none.</param>
/// <param name="Serial">In hexadecimal.</param>
/// <param name="Fingerprint">SHA-256 of the whole, in hexadecimal.</param>
/// <param name="KeyKind">"RSA" or "ECDSA".</param>
/// <param name="KeyBits">Size of the key.</param>
/// <param name="Until">The last moment it counts.</param>
/// <param name="Chain">The intermediate certificates sent with it, by name.</param>
public sealed record CertificateFacts(
    IReadOnlyList<string> Names, string Subject, string Issuer, string Serial, string Fingerprint, string KeyKind, int KeyBits, DateTimeOffset From, DateTimeOffset Until, IReadOnlyList<string> Chain)
{
    /// <summary>Fewer days left than these are told of, each once; see <see cref="Reached"/>.</summary>
    public static readonly IReadOnlyList<int> Thresholds = [30, 14, 7, 1];

    /// <summary>The threshold in days that has been reached last; 0 when it has expired, null while none is.</summary>
    public static int? Reached(DateTimeOffset until, DateTimeOffset now)
    {
        if (until <= now) return 0;
        return Thresholds.Where(days => until - now <= TimeSpan.FromDays(days)).Select(days => (int?)days).Min();
    }

    internal static CertificateFacts Of(ServerCertificate shown)
    {
        var certificate = shown.Certificate;
        using var rsa = certificate.GetRSAPublicKey();
        using AsymmetricAlgorithm? ecdsa = certificate.GetECDsaPublicKey();
        return new(
            shown.Names, certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), IssuerOf(shown), certificate.SerialNumber, certificate.GetCertHashString(HashAlgorithmName.SHA256),
            rsa is not null ? "RSA" : "ECDSA", (rsa ?? ecdsa)?.KeySize ?? 0, shown.From, shown.Until,
            [.. shown.Intermediates.Select(c => c.GetNameInfo(X509NameType.SimpleName, forIssuer: false))]);
    }

    internal static string IssuerOf(ServerCertificate shown) => shown.Certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true);
}
