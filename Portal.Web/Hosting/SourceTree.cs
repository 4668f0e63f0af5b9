namespace Portal.Web.Hosting;

/// <summary>Where relative things count from, the same for every form of start inside one source tree (docs/settings.md).</summary>
internal static class SourceTree
{
    /// <summary>The folder of Portal.sln and appsettings.json around the program, or around the working directory; null outside of one.</summary>
    public static string? Root { get; } = Around(AppContext.BaseDirectory) ?? Around(Environment.CurrentDirectory);

    /// <summary>A relative data folder counts from the source tree, else from the working directory.</summary>
    public static string Absolute(string folder) => Path.GetFullPath(folder, Root ?? Environment.CurrentDirectory);

    private static string? Around(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Portal.sln")) && File.Exists(Path.Combine(at.FullName, "appsettings.json"))) return at.FullName;
        }

        return null;
    }
}
