using System.Globalization;
using Portal.Core.Certificates;

namespace Portal.Web.Hosting;

/// <summary>The folder of everything the system owns; one server at a time holds it.</summary>
internal static class DataFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes the folder, for its owner's eyes only; refuses with a sentence when nothing can be written there.</summary>
    /// <param name="tls">For a server: the folders in it that these settings leave to us are made too.</param>
    public static void Prepare(string folder, TlsOptions? tls = null)
    {
        try
        {
            Make(folder);
            if (tls is { Folder: null }) TryMake(tls.FolderIn(folder));
            if (tls is { AcmeWebRoot: null }) TryMake(tls.AcmeWebRootIn(folder));
            var probe = Path.Combine(folder, $".probe-{Guid.NewGuid():N}");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefused(HostText.Say("DataFolderUnwritable", "Portal:DataFolder", folder));
        }
    }

    /// <summary>Their readers bear that they are not there: a link to a disk that is away is no reason not to start.</summary>
    private static void TryMake(string folder)
    {
        try
        {
            Make(folder);
        }
        catch (IOException) when (new FileInfo(folder) is { Exists: true } or { LinkTarget: not null })
        {
            // Somebody has put something else in its place, and knows why.
        }
    }

    private static void Make(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else if (!Directory.Exists(folder)) Directory.CreateDirectory(folder, OwnerOnly);
    }

    /// <summary>Holds the folder until disposed, or until the process ends in whatever way.</summary>
    public static FileStream Hold(string folder)
    {
        var file = Path.Combine(folder, "server.lock");
        try
        {
            var held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            held.SetLength(0);
            held.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
            held.Flush();
            return held;
        }
        catch (IOException)
        {
            throw new StartRefused(HostText.Say("DataFolderHeld", "Portal:DataFolder", folder));
        }
    }
}
