using System.Collections.Concurrent;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Portal.Core.Domains;

namespace Portal.Smtp.Signatures;

/// <summary>A domain's private key; keep it for as long as it is used, it remembers what was costly to read. Safe for many at once.</summary>
/// <param name="domain">In A-label form.</param>
/// <param name="privateKey">RSA as PKCS#8, Ed25519 as its seed of 32 octets.</param>
internal sealed class SigningKey(string domain, string selector, SigningAlgorithm algorithm, byte[] privateKey)
{
    // .NET promises no RSA object to two threads: each takes one from here and brings it back.
    private readonly ConcurrentBag<RSA> spare = [];

    public string Domain => domain;

    public string Selector => selector;

    public SigningAlgorithm Algorithm => algorithm;

    /// <summary>Signs a SHA-256 hash.</summary>
    /// <exception cref="CryptographicException">The private key is none.</exception>
    public byte[] Sign(byte[] hash) => algorithm == SigningAlgorithm.Ed25519Sha256 ? SignEd25519(hash) : SignRsa(hash);

    private byte[] SignEd25519(byte[] hash)
    {
        if (privateKey.Length != Ed25519.SecretKeySize) throw new CryptographicException("An Ed25519 seed has 32 octets.");
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(privateKey, 0, hash, 0, hash.Length, signature, 0);   // RFC 8463 §3: the hash is the message
        return signature;
    }

    private byte[] SignRsa(byte[] hash)
    {
        if (!spare.TryTake(out var rsa))
        {
            rsa = RSA.Create();
            rsa.ImportPkcs8PrivateKey(privateKey, out _);
        }

        var signature = rsa.SignHash(hash, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        spare.Add(rsa);
        return signature;
    }
}
