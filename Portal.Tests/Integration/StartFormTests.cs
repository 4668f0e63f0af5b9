using System.Diagnostics;
using System.Text.RegularExpressions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>Every form of start inside the source tree finds one and the same system, and serves its styles and scripts.</summary>
public partial class StartFormTests
{
    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Run_built_and_published_forms_share_one_system_and_serve_every_asset(string environment)
    {
        var relative = Path.Combine("artifacts", "test", $"forms-{Guid.NewGuid():N}");
        var settings = PortalHost.FreshSettings(Path.Combine(relative, "data"), "127.0.0.1:1");
        settings["ASPNETCORE_ENVIRONMENT"] = environment;
        var published = Path.Combine(Repository.Root, relative, "publish");
        await PublishAsync(published);
        var (status, _, error) = await PortalProcess.RunAsync(settings, PortalHost.Password + "\n", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin");
        Assert.True(status == 0, error);

        (string[] Arguments, string WorkingFolder)[] forms =
        [
            (["run", "--no-build", "--project", "Portal.Web"], Repository.Root),
            ([PortalProcess.Dll], Path.Combine(Repository.Root, "Portal.Web")),
            ([Path.Combine(published, "Portal.Web.dll")], "/"),
        ];
        foreach (var (arguments, folder) in forms)
        {
            await using var server = await PortalProcess.StartServerAsync(settings, arguments, folder);
            Assert.EndsWith(Path.Combine(Repository.Root, relative, "data"), server.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("/setup/", server.Output, StringComparison.Ordinal);
            await DemandAssetsAsync(new Uri($"http://localhost:{settings["Portal:Web:Port"]}/"), arguments[0]);
            await server.StopAsync();
        }

        Directory.Delete(Path.Combine(Repository.Root, relative), recursive: true);
    }

    private static async Task DemandAssetsAsync(Uri portal, string form)
    {
        using var http = new HttpClient { BaseAddress = portal };
        http.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        using var answer = await http.GetAsync("/no-such-page");   // every page has the whole head, also the one that says there is none
        var page = await answer.Content.ReadAsStringAsync();
        var assets = Asset().Matches(page).Select(m => m.Groups["path"].Value).Where(p => !p.StartsWith("http", StringComparison.Ordinal)).Distinct().ToList();
        Assert.Contains(assets, a => a.Contains("MudBlazor", StringComparison.Ordinal) && a.EndsWith(".css", StringComparison.Ordinal));
        Assert.Contains(assets, a => a.EndsWith(".js", StringComparison.Ordinal));
        foreach (var asset in assets)
        {
            var bytes = await http.GetByteArrayAsync(new Uri(portal, asset));
            Assert.True(bytes.Length > 100, $"{form}: {asset} has {bytes.Length} bytes");
        }
    }

    private static async Task PublishAsync(string folder)
    {
        var configuration = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(PortalProcess.Dll)))!;
        using var publish = Process.Start(new ProcessStartInfo("dotnet", ["publish", Path.Combine(Repository.Root, "Portal.Web"), "--no-build", "-c", configuration, "-o", folder, "-v", "q", "--nologo"]) { RedirectStandardOutput = true })!;
        var said = await publish.StandardOutput.ReadToEndAsync();
        await publish.WaitForExitAsync();
        Assert.True(publish.ExitCode == 0, said);
    }

    [GeneratedRegex("(?:href|src)=\"(?<path>[^\"]+\\.(?:css|js))\"")]
    private static partial Regex Asset();
}
