using System.Text.Json;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>The keys of a domain on the command line.</summary>
public class DomainCommandTests
{
    [Fact]
    public async Task Keys_are_listed_with_their_records_looked_for_and_rotated()
    {
        using var dns = new TestDns();
        var settings = PortalHost.FreshSettings(Path.Combine(TestFolder.Create(), "data"), dns.Setting);
        await RunAsync(0, PortalHost.Password + "\n", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin");

        var keys = await KeysAsync("list");
        Assert.Equal(["ed25519Sha256 waiting", "rsaSha256 waiting"], keys.Select(k => $"{k.GetProperty("algorithm")} {k.GetProperty("state")}").Order(StringComparer.Ordinal));
        Assert.Equal("New keys already wait for their records. Publish these, or give the keys up first.", (await RunAsync(1, null, "domain", "dkim", "rotate", "example.org")).Error);
        Assert.Equal("There is no domain nowhere.example.", (await RunAsync(1, null, "domain", "dkim", "list", "nowhere.example")).Error);

        foreach (var key in keys) dns.Text(key.GetProperty("name").GetString()!.TrimEnd('.'), [.. key.GetProperty("value").GetString()!.Chunk(200).Select(c => new string(c))]);
        Assert.All(await KeysAsync("check"), k => Assert.Equal("active found", $"{k.GetProperty("state")} {k.GetProperty("lastFound")}"));

        var rotated = (await RunAsync(0, null, "domain", "dkim", "rotate", "EXAMPLE.org.", "--reason", "the yearly change")).Output;
        Assert.Equal(2, rotated.Split("._domainkey.example.org. IN TXT ").Length - 1);
        Assert.Equal(4, (await KeysAsync("list")).Count);

        async Task<List<JsonElement>> KeysAsync(string verb) => JsonSerializer.Deserialize<List<JsonElement>>((await RunAsync(0, null, "domain", "dkim", verb, "example.org", "--json")).Output)!;

        async Task<(string Output, string Error)> RunAsync(int wanted, string? input, params string[] command)
        {
            var (status, output, error) = await PortalProcess.RunAsync(settings, input, command);
            Assert.True(status == wanted, $"{string.Join(' ', command)}: {status} {output} {error}");
            return (output, error.TrimEnd());
        }
    }
}
