using Microsoft.Extensions.Options;

namespace Portal.Core.Certificates;

/// <summary>The certificates that the TLS ports show, chosen by the name a client asks for.</summary>
public sealed class TlsOptions
{
    public const string Section = "Portal:Tls";

    /// <summary>
    /// Certificate for whoever asks for no name, or for one that no other is for. PEM: the certificate and, behind it, the intermediate ones;
    /// PFX by its ending. Null means the one of the host name in <see cref="Folder"/>, else the self-signed one of the data folder.
    /// </summary>
    public string? Certificate { get; set => field = Given(value); }

    /// <summary>PEM file of its private key. Null means that the key stands in <see cref="Certificate"/> too.</summary>
    public string? Key { get; set => field = Given(value); }

    /// <summary>File whose first line is the password of the key or the PFX. Null for none.</summary>
    public string? PasswordFile { get; set => field = Given(value); }

    /// <summary>Certificates that lie elsewhere, such as in certbot's own folders.</summary>
    public CertificateFiles[] Certificates { get; set; } = [];

    /// <summary>Folder in which every pair and PFX is read, and certbot's layout one level below. Null means "certificates" in the data folder.</summary>
    public string? Folder { get; set => field = Given(value); }

    /// <summary>Folder that certbot's webroot writes to; what lies under .well-known/acme-challenge there is served (RFC 8555 §8.3). Null means "acme" in the data folder.</summary>
    public string? AcmeWebRoot { get; set => field = Given(value); }

    /// <summary>A setting that is there and empty is one that is not there.</summary>
    internal static string? Given(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    public string FolderIn(string dataFolder) => Folder ?? Path.Combine(dataFolder, "certificates");

    public string AcmeWebRootIn(string dataFolder) => AcmeWebRoot ?? Path.Combine(dataFolder, "acme");
}

/// <summary>Files of one certificate, as <see cref="TlsOptions.Certificate"/> and its neighbours.</summary>
public sealed class CertificateFiles
{
    public string File { get; set; } = "";

    public string? Key { get; set => field = TlsOptions.Given(value); }

    public string? PasswordFile { get; set => field = TlsOptions.Given(value); }
}

/// <summary>What binding can't say.</summary>
internal sealed class TlsOptionsValidator : IValidateOptions<TlsOptions>
{
    public ValidateOptionsResult Validate(string? name, TlsOptions options)
    {
        var missing = options.Certificates.Index().Where(c => string.IsNullOrWhiteSpace(c.Item.File)).Select(c => SettingFault.Of("SettingMissing", $"{TlsOptions.Section}:Certificates:{c.Index}:File")).ToList();
        return missing.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(missing);
    }
}
