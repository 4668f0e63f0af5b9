using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Portal.Core.Certificates;

/// <summary>A certificate that can be shown: with its key, and the intermediate ones that are sent with it (RFC 8446 §4.4.2).</summary>
internal sealed class ServerCertificate
{
    public ServerCertificate(X509Certificate2 certificate, X509Certificate2Collection intermediates)
    {
        (Certificate, Intermediates) = (certificate, intermediates);
        Context = SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
        Names = CertificateNames.Of(certificate);
        (From, Until) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
    }

    public X509Certificate2 Certificate { get; }

    public X509Certificate2Collection Intermediates { get; }

    public SslStreamCertificateContext Context { get; }

    /// <summary>As <see cref="CertificateNames.Of"/> has them.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The first of them.</summary>
    public string Name => Names[0];

    /// <summary>Whether it is its own issuer.</summary>
    public bool IsSelfSigned => Certificate.SubjectName.RawData.AsSpan().SequenceEqual(Certificate.IssuerName.RawData);

    public DateTimeOffset From { get; }

    /// <summary>The last moment it counts.</summary>
    public DateTimeOffset Until { get; }

    public bool IsSameAs(ServerCertificate other) =>
        Certificate.RawDataMemory.Span.SequenceEqual(other.Certificate.RawDataMemory.Span) && Intermediates.Select(c => c.Thumbprint).SequenceEqual(other.Intermediates.Select(c => c.Thumbprint));

    public bool IsValidAt(DateTimeOffset now) => From <= now && now < Until;
}
