using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portal.Core.Certificates;

/// <summary>The certificate we make ourselves: it encrypts, and vouches for nobody.</summary>
internal static class SelfSigned
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The one in <paramref name="file"/>; a new one where there is none, or it is of another name or ends within a month.</summary>
    /// <param name="unsaved">Why the new one could not be kept: it serves until the program ends. Null when it was, or none was made.</param>
    public static X509Certificate2 LoadOrCreate(string file, string hostName, DateTimeOffset now, out Exception? unsaved)
    {
        unsaved = null;
        if (TryLoad(file) is { } kept)
        {
            if (kept.NotAfter.ToUniversalTime() > now.UtcDateTime.AddDays(30) && kept.MatchesHostname(hostName)) return kept;
            kept.Dispose();
        }

        var made = Create(hostName, now);
        try
        {
            Save(made, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            unsaved = e;   // the last resort needs no disk
        }

        return made;
    }

    private static X509Certificate2? TryLoad(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            return X509Certificate2.CreateFromPemFile(file);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return null;   // cut short by a crash or a full disk, or another user's: made anew
        }
    }

    private static X509Certificate2 Create(string hostName, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(hostName.Length <= 64 ? hostName : hostName[..64]);   // RFC 5280 upper bound ub-common-name; the SAN holds it whole
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(hostName);
        if (!hostName.Equals("localhost", StringComparison.OrdinalIgnoreCase)) names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));   // serverAuth
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(397));   // the longest that browsers take
    }

    private static void Save(X509Certificate2 certificate, string file)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        var temporary = $"{file}.{Guid.NewGuid():N}";
        try
        {
            using (var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OperatingSystem.IsWindows() ? null : OwnerOnly }))
                stream.Write(Encoding.ASCII.GetBytes($"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n"));
            File.Move(temporary, file, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);   // a disk that is full must not be filled with halves
        }
    }
}
