using System.Collections.Frozen;

namespace Portal.Core.Certificates;

/// <summary>All certificates at one moment, found by name; never changed once made, so that handshakes need no lock.</summary>
internal sealed class CertificateTable
{
    public static readonly CertificateTable Empty = new([], null);

    private readonly FrozenDictionary<string, ServerCertificate[]> byName;

    /// <param name="places">Every place that is read from.</param>
    /// <param name="folderTrouble">What is wrong with the folder itself; null when nothing is.</param>
    public CertificateTable(IReadOnlyList<Shelved> places, CertificateTrouble? folderTrouble)
    {
        (Places, FolderTrouble) = (places, folderTrouble);
        Default = places.FirstOrDefault(p => p.Source.IsDefault);
        byName = places.Select(p => p.Current).OfType<ServerCertificate>()
            .SelectMany(c => c.Names.Select(name => (Name: name, Certificate: c)))
            .GroupBy(n => n.Name, StringComparer.Ordinal)
            .ToFrozenDictionary(g => g.Key, g => g.Select(n => n.Certificate).OrderBy(c => c.IsSelfSigned).ThenByDescending(c => c.From).ThenByDescending(c => c.Until).ToArray(), StringComparer.Ordinal);
    }

    public IReadOnlyList<Shelved> Places { get; }

    public CertificateTrouble? FolderTrouble { get; }

    /// <summary>The place that the settings name as the default; null when they name none.</summary>
    public Shelved? Default { get; }

    /// <summary>The certificate for a name: the exact one before a wildcard, of several the newest, one that vouches only for itself last. One that is not valid now comes last, but before a stranger's: who goes by its key (DANE, RFC 7672 §3.1.1) is still served.</summary>
    /// <param name="serverName">As the client gave it (RFC 6066 §3); null for none.</param>
    /// <returns>Null when there is none for this name.</returns>
    public ServerCertificate? For(string? serverName, DateTimeOffset now)
    {
        if (CertificateNames.Normal(serverName) is not { } name) return null;
        var (exact, wildcard) = (Named(name), CertificateNames.WildcardOf(name) is { } any ? Named(any) : []);
        return Valid(exact, now) ?? Valid(wildcard, now) ?? exact.FirstOrDefault() ?? wildcard.FirstOrDefault();
    }

    private ServerCertificate[] Named(string name) => byName.GetValueOrDefault(name, []);

    private static ServerCertificate? Valid(ServerCertificate[] named, DateTimeOffset now) => Array.Find(named, c => c.IsValidAt(now));
}
