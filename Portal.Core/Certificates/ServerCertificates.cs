using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Alerts;
using Portal.Core.Data;

namespace Portal.Core.Certificates;

/// <summary>What is wrong with the default certificate of the settings; a key of the Banners resource.</summary>
public enum CertificateProblem
{
    None,

    /// <summary>A file is not there.</summary>
    CertificateMissing,

    /// <summary>A file can't be read, is no certificate, or the key does not fit.</summary>
    CertificateUnreadable,
    CertificateExpired,
}

/// <summary>
/// The certificates that every TLS port shows, by the name a client asks for, read again when their files change, with no restart
/// (<see cref="CertificateWatch"/>). Files that are missing, unreadable or expired stop nothing: what was read before stays in use, then
/// another stands in, at last a self-signed one, and log, banner and start lines say so (DESIGN §9).
/// </summary>
public sealed class ServerCertificates : IDisposable
{
    private readonly CertificateShelf shelf;
    private readonly CertificateNews news;
    private readonly TimeProvider clock;
    private readonly string hostName;
    private readonly Lock gate = new();
    private readonly Lock standInGate = new();
    private volatile CertificateTable table = CertificateTable.Empty;
    private volatile ServerCertificate? standIn;

    public ServerCertificates(
        IOptions<TlsOptions> options, IOptions<StorageOptions> storage, IConfiguration configuration, SystemNotices notices, TimeProvider clock, ILogger<ServerCertificates> logger)
    {
        this.clock = clock;
        SelfSignedFile = Path.Combine(storage.Value.DataFolder, "self-signed.pem");
        hostName = configuration["Portal:HostName"] is { Length: > 0 } name ? name : System.Net.Dns.GetHostName();
        shelf = new CertificateShelf(options.Value, storage.Value.DataFolder);
        news = new CertificateNews(notices, logger);
        Look(isImpatient: true);
    }

    /// <summary>What is shown to whoever asks for no name, or for one that no other is for.</summary>
    public X509Certificate2 Certificate => Default(clock.GetUtcNow()).Certificate;

    /// <summary>Why another stands in for the default one of the settings; <see cref="CertificateProblem.None"/> when theirs is shown, or none is set.</summary>
    public CertificateProblem Problem => ProblemOf(table.Default, clock.GetUtcNow());

    /// <summary>Whether the default certificate is the self-signed one.</summary>
    public bool IsSelfSigned => IsStandIn(Default(clock.GetUtcNow()));

    /// <summary>The default one, at one moment.</summary>
    public ShownCertificate Shown
    {
        get
        {
            var now = clock.GetUtcNow();
            var shown = Default(now);
            return new(string.Join(", ", shown.Names), CertificateFacts.IssuerOf(shown), shown.Until, IsStandIn(shown), ProblemOf(table.Default, now));
        }
    }

    internal string SelfSignedFile { get; }

    internal CertificateTable Table => table;

    /// <summary>What to show to a client, with its intermediate certificates.</summary>
    /// <param name="serverName">The name it asks for (RFC 6066 §3); null for none.</param>
    public SslStreamCertificateContext ContextFor(string? serverName) => Choose(serverName, clock.GetUtcNow()).Context;

    /// <summary>Whether what is shown for this name is valid and not self-signed by us.</summary>
    public bool IsGoodFor(string? serverName)
    {
        var now = clock.GetUtcNow();
        return Choose(serverName, now) is var shown && !IsStandIn(shown) && shown.IsValidAt(now);
    }

    public void Dispose() => standIn?.Certificate.Dispose();

    /// <summary>Looks at all files and tells what is new. Handshakes go on meanwhile with what is there.</summary>
    /// <param name="isImpatient">Reads all of them, and tells at once of a pair whose one file is late.</param>
    internal void Look(bool isImpatient = false)
    {
        lock (gate)
        {
            var now = clock.GetUtcNow();
            table = shelf.Look(now, isImpatient);
            news.Tell(this, now);
        }
    }

    internal ServerCertificate Choose(string? serverName, DateTimeOffset now) => table.For(serverName, now) ?? Default(now);

    internal bool IsStandIn(ServerCertificate certificate) => ReferenceEquals(certificate, standIn);

    internal ServerCertificate Default(DateTimeOffset now)
    {
        if (table.Default?.Current is { } own && own.Until > now) return own;
        return table.For(hostName, now) is { } named && named.IsValidAt(now) ? named : StandIn(now);
    }

    private ServerCertificate StandIn(DateTimeOffset now)
    {
        if (standIn is { } made && made.Until > now) return made;
        lock (standInGate)
        {
            if (standIn is { } other && other.Until > now) return other;   // somebody else was quicker
            standIn = new(SelfSigned.LoadOrCreate(SelfSignedFile, hostName, now, out var unsaved), []);
            if (unsaved is not null) news.TellUnsaved(SelfSignedFile, unsaved);
            return standIn;
        }
    }

    private static CertificateProblem ProblemOf(Shelved? named, DateTimeOffset now) => named switch
    {
        null => CertificateProblem.None,
        { Current: { } shown } => shown.Until > now ? CertificateProblem.None : CertificateProblem.CertificateExpired,
        { Trouble.Fault: CertificateFault.FileMissing or CertificateFault.LinkBroken } => CertificateProblem.CertificateMissing,
        _ => CertificateProblem.CertificateUnreadable,
    };
}
