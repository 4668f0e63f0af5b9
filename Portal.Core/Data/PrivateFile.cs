namespace Portal.Core.Data;

/// <summary>Files only their owner may read (mode 0600).</summary>
public static class PrivateFile
{
    /// <summary>Makes a new file for writing; throws <see cref="IOException"/> when there is one.</summary>
    public static FileStream Create(string path, FileOptions options = FileOptions.None)
    {
        var wanted = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, Options = options };
        if (!OperatingSystem.IsWindows()) wanted.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, wanted);
    }
}
