namespace Portal.Core.Certificates;

/// <summary>Where a certificate comes from.</summary>
public enum CertificateOrigin
{
    /// <summary>Named in the settings.</summary>
    Settings,

    /// <summary>Found in the folder.</summary>
    Folder,

    /// <summary>Made by ourselves, because there is no other.</summary>
    SelfSigned,
}

/// <summary>The files that make one certificate.</summary>
/// <param name="File">Certificate and intermediate ones, or a PFX.</param>
/// <param name="KeyFile">Its private key; null when it stands in <paramref name="File"/>.</param>
/// <param name="PasswordFile">Null for none.</param>
internal sealed record CertificateSource(CertificateOrigin Origin, string File, string? KeyFile, string? PasswordFile)
{
    /// <summary>The one for whoever asks for no name that is known.</summary>
    public bool IsDefault { get; init; }

    public bool IsPfx => IsPfxName(File);

    public static bool IsPfxName(string file) => Path.GetExtension(file).ToLowerInvariant() is ".pfx" or ".p12";

    /// <summary>What the settings name, the default first.</summary>
    public static IEnumerable<CertificateSource> Named(TlsOptions options)
    {
        if (options.Certificate is { } file) yield return new(CertificateOrigin.Settings, file, options.Key, options.PasswordFile) { IsDefault = true };
        foreach (var files in options.Certificates) yield return new(CertificateOrigin.Settings, files.File, files.Key, files.PasswordFile);
    }

    public SourceStamp Stamp() => new(FileStamp.Of(File), FileStamp.Of(KeyFile), FileStamp.Of(PasswordFile));
}

/// <summary>Tells whether any file of a source is another than before.</summary>
internal readonly record struct SourceStamp(FileStamp File, FileStamp Key, FileStamp Password);

/// <summary>Tells whether a file is another than before: where links lead to at last, when it was written, its size and mode.</summary>
internal readonly record struct FileStamp(string? Path, DateTime WrittenAt, long Bytes, int Mode)
{
    public static FileStamp Of(string? file)
    {
        if (file is null) return default;
        try
        {
            var target = TargetOf(file);
            return target.Exists ? new(target.FullName, target.LastWriteTimeUtc, target.Length, OperatingSystem.IsWindows() ? 0 : (int)target.UnixFileMode) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(file, default, -1, 0);   // a loop of links, a folder that is closed: whoever reads it says so
        }
    }

    /// <summary>The file itself, behind all links.</summary>
    public static FileInfo TargetOf(string file)
    {
        var info = new FileInfo(file);
        return info.LinkTarget is null ? info : (FileInfo?)info.ResolveLinkTarget(returnFinalTarget: true) ?? info;
    }
}
