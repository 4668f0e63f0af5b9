namespace Portal.Web.Admin.About;

/// <summary>A package the program ships with.</summary>
/// <param name="Licence">SPDX expression, as the package itself tells it.</param>
internal sealed record ShippedPackage(string Name, string Version, string Licence)
{
    /// <summary>All of them, by name. After a package was added or updated: <c>eng/licences.py</c>; a test fails where the list is not what was restored.</summary>
    public static IReadOnlyList<ShippedPackage> All { get; } = Read();

    private static List<ShippedPackage> Read()
    {
        using var reader = new StreamReader(typeof(ShippedPackage).Assembly.GetManifestResourceStream("Portal.Web.Admin.About.packages.txt")!);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 3)).Select(p => new ShippedPackage(p[0], p[1], p[2]))];
    }
}
