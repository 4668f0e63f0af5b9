using System.Text.Json;
using System.Xml.Linq;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.About;

namespace Portal.Tests.Web.Admin;

/// <summary>The list of packages on the page About is what was restored.</summary>
public class ShippedPackageTests
{
    [Fact]
    public async Task The_list_is_what_was_restored_with_the_licence_each_package_tells()
    {
        await using var file = File.OpenRead(Path.Combine(Repository.Root, "Portal.Web", "obj", "project.assets.json"));
        using var assets = await JsonDocument.ParseAsync(file, cancellationToken: TestContext.Current.CancellationToken);
        var folders = assets.RootElement.GetProperty("packageFolders").EnumerateObject().Select(f => f.Name).ToList();
        var shipped = assets.RootElement.GetProperty("targets").GetProperty("net10.0").EnumerateObject()
            .Where(p => p.Value.GetProperty("type").GetString() == "package" && Ships(p.Value))
            .Select(p => p.Name.Split('/'))
            .Select(p => new ShippedPackage(p[0], p[1], Licence(folders, p[0], p[1])))
            .OrderBy(p => p.Name, StringComparer.OrdinalIgnoreCase);

        Assert.True(shipped.SequenceEqual(ShippedPackage.All), "eng/licences.py writes the list anew");
    }

    [Fact]
    public async Task The_page_shows_each()
    {
        await using var portal = await PortalHost.StartAsync();
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        var page = (await browser.GetAsync("admin/about")).Text;

        Assert.All(ShippedPackage.All, p => Assert.Contains($"<bdi>{p.Name}</bdi></td><td class=\"num\">{p.Version}</td><td>{p.Licence}</td>", page, StringComparison.Ordinal));
    }

    private static bool Ships(JsonElement package) =>
        new[] { "runtime", "native", "runtimeTargets" }.Any(kind => package.TryGetProperty(kind, out var files) && files.EnumerateObject().Any(f => !f.Name.EndsWith("/_._", StringComparison.Ordinal)));

    private static string Licence(IEnumerable<string> folders, string name, string version)
    {
        var nuspec = folders.Select(f => Path.Combine(f, name.ToLowerInvariant(), version, $"{name.ToLowerInvariant()}.nuspec")).First(File.Exists);
        return XDocument.Load(nuspec).Descendants().Single(e => e.Name.LocalName == "license" && (string?)e.Attribute("type") == "expression").Value;
    }
}
