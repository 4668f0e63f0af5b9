using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;

namespace Portal.Core.Domains;

/// <summary>A key that was just made.</summary>
/// <param name="PublicKey">As in p=: SubjectPublicKeyInfo for RSA (RFC 6376 §3.6.1), the bare 32 octets for Ed25519 (RFC 8463 §4.2).</param>
/// <param name="PrivateKey">PKCS #8, or the seed.</param>
internal sealed record DkimKeyMaterial(SigningAlgorithm Algorithm, string PublicKey, byte[] PrivateKey);

/// <summary>Two keys that are published and used together.</summary>
internal sealed record DkimKeyPair(DkimKeyMaterial Rsa, DkimKeyMaterial Ed25519)
{
    // RFC 8301 §3.2: at least 2,048; a longer one's record often does not fit what hosters of zones take.
    private const int RsaBits = 2_048;

    /// <summary>Makes a pair. An RSA key takes up to a second: never at the write gate, and on no circuit's time.</summary>
    public static Task<DkimKeyPair> MakeAsync(CancellationToken cancel) => Task.Run(Make, cancel);

    private static DkimKeyPair Make()
    {
        using var rsa = RSA.Create(RsaBits);
        var ed25519 = new Ed25519PrivateKeyParameters(new SecureRandom());
        return new(
            new(SigningAlgorithm.RsaSha256, Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()), rsa.ExportPkcs8PrivateKey()),
            new(SigningAlgorithm.Ed25519Sha256, Convert.ToBase64String(ed25519.GeneratePublicKey().GetEncoded()), ed25519.GetEncoded()));
    }
}
