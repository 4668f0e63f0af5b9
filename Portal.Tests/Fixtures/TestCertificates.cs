using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Portal.Tests.Fixtures;

/// <summary>An authority of the test's own, with an intermediate one that signs.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly ECDsa rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256), key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 root, intermediate;

    public TestAuthority(string name = "Test")
    {
        var (from, until) = (DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(10));
        var rootRequest = new CertificateRequest($"CN={name} Root", rootKey, HashAlgorithmName.SHA256) { CertificateExtensions = { IsAuthority } };
        root = rootRequest.CreateSelfSigned(from, until);
        var request = new CertificateRequest($"CN={name} Intermediate", key, HashAlgorithmName.SHA256) { CertificateExtensions = { IsAuthority } };
        using var signed = request.Create(root, from.AddDays(1), until.AddDays(-1), Serial());
        intermediate = signed.CopyWithPrivateKey(key);
    }

    /// <summary>The root, for whoever shall trust it.</summary>
    public X509Certificate2 Root => root;

    public string RootPem => root.ExportCertificatePem();

    public string IntermediatePem => intermediate.ExportCertificatePem();

    private static X509BasicConstraintsExtension IsAuthority => new(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true);

    /// <summary>A certificate for these names.</summary>
    /// <param name="days">Days from now until it ends; negative for one that has ended.</param>
    public TestCertificate Issue(IReadOnlyList<string> names, double days = 90, bool isRsa = false, DateTimeOffset? now = null)
    {
        var at = now ?? DateTimeOffset.UtcNow;
        AsymmetricAlgorithm own = isRsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = own is RSA rsa
            ? new CertificateRequest($"CN={names[0]}", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={names[0]}", (ECDsa)own, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names) alternatives.AddDnsName(name);
        request.CertificateExtensions.Add(alternatives.Build());
        var until = at.AddDays(days);
        using var signed = request.Create(intermediate.SubjectName, X509SignatureGenerator.CreateForECDsa(key), until.AddDays(-90) < at ? until.AddDays(-90) : at.AddDays(-1), until, Serial());
        return new TestCertificate(own is RSA r ? signed.CopyWithPrivateKey(r) : signed.CopyWithPrivateKey((ECDsa)own), own, IntermediatePem);
    }

    public TestCertificate Issue(string name, double days = 90, bool isRsa = false, DateTimeOffset? now = null) => Issue([name], days, isRsa, now);

    public void Dispose()
    {
        root.Dispose();
        intermediate.Dispose();
        rootKey.Dispose();
        key.Dispose();
    }

    private static byte[] Serial() => [1, .. RandomNumberGenerator.GetBytes(15)];
}

/// <summary>A certificate in the forms in which it is written to files.</summary>
public sealed class TestCertificate(X509Certificate2 certificate, AsymmetricAlgorithm key, string intermediatePem)
{
    public X509Certificate2 Certificate => certificate;

    /// <summary>Certificate and intermediate one.</summary>
    public string Chain => $"{certificate.ExportCertificatePem()}\n{intermediatePem}\n";

    public string Key => key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>In the older form of its kind, as OpenSSL writes it.</summary>
    public string TraditionalKey => key is RSA rsa ? rsa.ExportRSAPrivateKeyPem() : $"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{((ECDsa)key).ExportECPrivateKeyPem()}";

    public string EncryptedKey(string password) => key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)) + "\n";

    public byte[] Pfx(string? password) => new X509Certificate2Collection { certificate, X509Certificate2.CreateFromPem(intermediatePem) }.Export(X509ContentType.Pfx, password)!;

    /// <summary>Writes name.pem and name.key.</summary>
    public void WritePair(string folder, string name)
    {
        File.WriteAllText(Path.Combine(folder, $"{name}.pem"), Chain);
        File.WriteAllText(Path.Combine(folder, $"{name}.key"), Key);
    }
}
