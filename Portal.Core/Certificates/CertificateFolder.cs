namespace Portal.Core.Certificates;

/// <summary>
/// Finds the certificates of a folder: <c>name.pem</c> or <c>name.crt</c> with <c>name.key</c> or the key inside, <c>name.pfx</c> with its
/// password in <c>name.pass</c>, and <c>fullchain.pem</c> with <c>privkey.pem</c>, there and in each folder right below (certbot's layout).
/// </summary>
internal static class CertificateFolder
{
    /// <summary>Files and folders looked at; what is beyond is not.</summary>
    public const int MaxEntries = 2000;

    private const string Chain = "fullchain.pem", ChainKey = "privkey.pem";

    // What certbot lays beside the two.
    private static readonly string[] BesideChain = [Chain, ChainKey, "cert.pem", "chain.pem"];

    /// <summary>What is there, in the order of names.</summary>
    /// <param name="isOwn">The folder is ours by default: that it is not there means only that nobody has put anything in.</param>
    public static IReadOnlyList<CertificateSource> Find(string folder, bool isOwn, out CertificateTrouble? trouble)
    {
        trouble = null;
        try
        {
            var entries = new DirectoryInfo(folder).EnumerateFileSystemInfos().Take(MaxEntries + 1).ToList();
            if (entries.Count > MaxEntries)
            {
                trouble = new(CertificateFault.FolderTooFull, folder);
                entries.RemoveAt(MaxEntries);
            }

            var names = entries.Where(e => !IsFolder(e)).Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
            return
            [
                .. names.Where(name => IsCertificate(name, names)).Order(StringComparer.Ordinal).Select(name => Of(folder, name, names)),
                .. entries.Where(IsFolder).OrderBy(e => e.Name, StringComparer.Ordinal).Where(e => IsThere(Path.Combine(e.FullName, Chain))).Select(e => OfCertbot(e.FullName)),
            ];
        }
        catch (DirectoryNotFoundException)
        {
            if (!isOwn || new FileInfo(folder).LinkTarget is not null) trouble = new(CertificateFault.FolderMissing, folder);
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            trouble = new(CertificateFault.FolderNotReadable, folder);
            return [];
        }
    }

    private static bool IsFolder(FileSystemInfo entry) => entry.Attributes.HasFlag(FileAttributes.Directory);

    /// <summary>Also where a link leads nowhere or the folder is closed to us: whoever reads it says so.</summary>
    private static bool IsThere(string file)
    {
        try
        {
            _ = File.GetAttributes(file);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new FileInfo(file).LinkTarget is not null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static bool IsCertificate(string name, HashSet<string> names)
    {
        if (names.Contains(Chain) && BesideChain.Contains(name)) return name == Chain;
        return CertificateSource.IsPfxName(name) || Path.GetExtension(name).ToLowerInvariant() is ".pem" or ".crt";
    }

    private static CertificateSource Of(string folder, string name, HashSet<string> names)
    {
        if (name == Chain) return OfCertbot(folder);
        var stem = Path.GetFileNameWithoutExtension(name);
        return new(CertificateOrigin.Folder, Path.Combine(folder, name), CertificateSource.IsPfxName(name) ? null : Beside("key"), Beside("pass"));

        string? Beside(string extension) => names.Contains($"{stem}.{extension}") ? Path.Combine(folder, $"{stem}.{extension}") : null;
    }

    private static CertificateSource OfCertbot(string folder) => new(CertificateOrigin.Folder, Path.Combine(folder, Chain), Path.Combine(folder, ChainKey), null);
}
