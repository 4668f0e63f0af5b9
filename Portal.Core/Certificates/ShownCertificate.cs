using System.Security.Cryptography.X509Certificates;

namespace Portal.Core.Certificates;

/// <summary>What the certificate of the TLS ports says of itself, for people.</summary>
/// <param name="Names">The DNS names it is for, with commas between them; its subject where it has none.</param>
/// <param name="Issuer">Who vouches for it.</param>
/// <param name="Until">The last moment it counts.</param>
/// <param name="IsSelfSigned">It is the one we made ourselves.</param>
/// <param name="Problem">Why ours stands in for the one of the settings.</param>
public sealed record ShownCertificate(string Names, string Issuer, DateTimeOffset Until, bool IsSelfSigned, CertificateProblem Problem)
{
    internal static ShownCertificate Of(X509Certificate2 certificate, bool isSelfSigned, CertificateProblem problem)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).ToList();
        return new(
            names.Count > 0 ? string.Join(", ", names) : certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false),
            certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true), certificate.NotAfter.ToUniversalTime(), isSelfSigned, problem);
    }
}
