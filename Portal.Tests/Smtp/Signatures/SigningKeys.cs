using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Portal.Core.Domains;

namespace Portal.Tests.Smtp.Signatures;

/// <summary>Signing keys and their DNS records, for tests that have no domain to make them.</summary>
internal static class SigningKeys
{
    private const int RsaBits = 2048;   // RFC 8301 §3.2

    /// <summary>A new key: its private part as <see cref="Portal.Smtp.Signatures.SigningKey"/> takes it, its public part as "p=" has it.</summary>
    public static (byte[] PrivateKey, string PublicKeyBase64) Create(SigningAlgorithm algorithm)
    {
        if (algorithm == SigningAlgorithm.RsaSha256)
        {
            using var rsa = RSA.Create(RsaBits);
            return (rsa.ExportPkcs8PrivateKey(), Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()));
        }

        var seed = RandomNumberGenerator.GetBytes(Ed25519.SecretKeySize);
        var point = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, 0, point, 0);
        return (seed, Convert.ToBase64String(point));
    }

    /// <summary>The TXT record of a public key (RFC 6376 §3.6.1).</summary>
    public static string RecordOf(SigningAlgorithm algorithm, string publicKeyBase64) => DkimRecord.Of("example.org", "s", algorithm, publicKeyBase64).Value;
}
