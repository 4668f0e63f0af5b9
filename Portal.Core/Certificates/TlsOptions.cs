namespace Portal.Core.Certificates;

/// <summary>The certificate that every TLS port shows.</summary>
public sealed class TlsOptions
{
    public const string Section = "Portal:Tls";

    /// <summary>PEM file: the certificate and, behind it, the intermediate ones. Null means the self-signed one of the data folder.</summary>
    public string? Certificate { get; set; }

    /// <summary>PEM file of its private key. Null means that the key stands in <see cref="Certificate"/> too.</summary>
    public string? Key { get; set; }
}
