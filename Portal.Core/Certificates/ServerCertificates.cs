using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Alerts;
using Portal.Core.Data;

namespace Portal.Core.Certificates;

/// <summary>What is wrong with the certificate of the settings; a key of the Banners resource.</summary>
public enum CertificateProblem
{
    None,

    /// <summary>A file is not there.</summary>
    CertificateMissing,

    /// <summary>A file can't be read, is no PEM, or the key does not fit.</summary>
    CertificateUnreadable,
    CertificateExpired,
}

/// <summary>
/// The certificate every TLS port shows, read again when its files change, with no restart. One that is missing, unreadable or
/// expired stops nothing: a self-signed one stands in, and log, banner and start lines say so (DESIGN §9).
/// </summary>
public sealed partial class ServerCertificates : IDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);
    private readonly TlsOptions options;
    private readonly string selfSignedFile;
    private readonly string hostName;
    private readonly SystemNotices notices;
    private readonly TimeProvider clock;
    private readonly ILogger<ServerCertificates> logger;
    private readonly Lock gate = new();
    private Loaded current;
    private long lookedAt;

    public ServerCertificates(
        IOptions<TlsOptions> options, IOptions<StorageOptions> storage, IConfiguration configuration, SystemNotices notices, TimeProvider clock, ILogger<ServerCertificates> logger)
    {
        (this.options, this.notices, this.clock, this.logger) = (options.Value, notices, clock, logger);
        selfSignedFile = Path.Combine(storage.Value.DataFolder, "self-signed.pem");
        hostName = configuration["Portal:HostName"] is { Length: > 0 } name ? name : System.Net.Dns.GetHostName();
        current = Load(FilesStamp());
        lookedAt = clock.GetTimestamp();
    }

    /// <summary>What to show now, with its intermediate certificates.</summary>
    public SslStreamCertificateContext Context => Fresh().Context;

    public X509Certificate2 Certificate => Fresh().Certificate;

    /// <summary>Why the self-signed one stands in; <see cref="CertificateProblem.None"/> when the settings' own is shown, or none is set.</summary>
    public CertificateProblem Problem => Fresh().Problem;

    /// <summary>Whether the certificate shown is the self-signed one.</summary>
    public bool IsSelfSigned => Fresh().IsSelfSigned;

    /// <summary>All of it at one moment.</summary>
    public ShownCertificate Shown
    {
        get
        {
            var now = Fresh();
            return ShownCertificate.Of(now.Certificate, now.IsSelfSigned, now.Problem);
        }
    }

    public void Dispose() => current.Certificate.Dispose();

    private Loaded Fresh()
    {
        lock (gate)
        {
            if (clock.GetElapsedTime(lookedAt) < LookAgain) return current;
            lookedAt = clock.GetTimestamp();
            var stamp = FilesStamp();
            // The one replaced is left to the collector: handshakes under way still hold it.
            if (stamp != current.Stamp || current.Certificate.NotAfter.ToUniversalTime() <= clock.GetUtcNow().UtcDateTime) current = Load(stamp);
            return current;
        }
    }

    private (DateTime Certificate, DateTime Key) FilesStamp() =>
        (options.Certificate is null ? default : File.GetLastWriteTimeUtc(options.Certificate), options.Key is null ? default : File.GetLastWriteTimeUtc(options.Key));

    private Loaded Load((DateTime, DateTime) stamp)
    {
        var (own, intermediates, problem) = options.Certificate is null ? (null, null, CertificateProblem.None) : LoadOwn();
        foreach (var other in Enum.GetValues<CertificateProblem>().Where(p => p != CertificateProblem.None && p != problem)) notices.Clear(other.ToString());
        if (problem != CertificateProblem.None) notices.Raise(problem.ToString(), NoticeSeverity.Error);

        var shown = own ?? SelfSigned.LoadOrCreate(selfSignedFile, hostName, clock.GetUtcNow());
        LogShown(logger, ShownCertificate.Of(shown, own is null, problem).Names, own is null ? "self-signed" : "from the settings", shown.NotAfter.ToUniversalTime());
        return new Loaded(SslStreamCertificateContext.Create(shown, intermediates, offline: true), shown, problem, own is null, stamp);
    }

    private (X509Certificate2? Certificate, X509Certificate2Collection? Intermediates, CertificateProblem Problem) LoadOwn()
    {
        var missing = new[] { options.Certificate!, options.Key ?? options.Certificate! }.FirstOrDefault(f => !File.Exists(f));
        if (missing is not null)
        {
            LogMissing(logger, missing);
            return (null, null, CertificateProblem.CertificateMissing);
        }

        try
        {
            var certificate = X509Certificate2.CreateFromPemFile(options.Certificate!, options.Key);
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(options.Certificate!);
            all.RemoveAt(0);   // the first is the certificate itself (RFC 8446 §4.4.2)
            if (certificate.NotAfter.ToUniversalTime() > clock.GetUtcNow().UtcDateTime) return (certificate, all, CertificateProblem.None);

            LogExpired(logger, options.Certificate!, certificate.NotAfter.ToUniversalTime());
            certificate.Dispose();
            return (null, null, CertificateProblem.CertificateExpired);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            LogUnreadable(logger, options.Certificate!, options.Key ?? options.Certificate!, e);
            return (null, null, CertificateProblem.CertificateUnreadable);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "TLS shows {Names}, {Source}, until {Until:yyyy-MM-dd}")]
    private static partial void LogShown(ILogger logger, string names, string source, DateTime until);

    [LoggerMessage(Level = LogLevel.Error, Message = "Portal:Tls names {File}, which is not there; the self-signed certificate stands in")]
    private static partial void LogMissing(ILogger logger, string file);

    [LoggerMessage(Level = LogLevel.Error, Message = "Portal:Tls:Certificate {File} expired on {Until}; the self-signed certificate stands in")]
    private static partial void LogExpired(ILogger logger, string file, DateTime until);

    [LoggerMessage(Level = LogLevel.Error, Message = "Portal:Tls:Certificate {Certificate} with key {Key} can't be read; the self-signed certificate stands in")]
    private static partial void LogUnreadable(ILogger logger, string certificate, string key, Exception e);

    private sealed record Loaded(SslStreamCertificateContext Context, X509Certificate2 Certificate, CertificateProblem Problem, bool IsSelfSigned, (DateTime, DateTime) Stamp);
}
