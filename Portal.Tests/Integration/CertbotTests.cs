using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Portal.Core.Alerts;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>The real certbot gets its certificate from a real ACME server (Let's Encrypt's pebble) by way of the portal's plain HTTP port, and the portal shows it.</summary>
public sealed class CertbotTests : IDisposable
{
    private const string Name = "mail.portal.test";
    private readonly string folder = TestFolder.Create();
    private readonly TestAuthority authority = new("ACME server");

    private string server = "";

    private string TrustFile => Path.Combine(folder, "pebble-root.pem");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => authority.Dispose();

    [Fact]
    public async Task Webroot_gets_a_certificate_which_is_shown_and_renewed_without_a_restart()
    {
        var live = Path.Combine(folder, "certbot", "live");
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = new() { ["Portal:Tls:Folder"] = live } });
        portal.Dns.Host(Name);
        using var pebble = await PebbleAsync(portal);
        Assert.Equal("CN=mx.portal.test", (await ShownAsync(portal)).Subject);

        await CertbotAsync("certonly", "--webroot", "-w", Path.Combine(portal.DataFolder, "acme"), "-d", Name, "--agree-tos", "-m", "admin@portal.test", "--no-eff-email");
        var first = await EventuallyAsync(portal, shown => shown.MatchesHostname(Name));
        Assert.Contains("Pebble", first.Issuer, StringComparison.Ordinal);

        await CertbotAsync("renew", "--force-renewal", "--no-random-sleep-on-renew");
        var second = await EventuallyAsync(portal, shown => shown.Thumbprint != first.Thumbprint);
        Assert.True(second.MatchesHostname(Name));
        Assert.Empty(portal.Get<SystemNotices>().Current.Where(n => n.Key.StartsWith("Certificate", StringComparison.Ordinal) && n.Key != "CertificateEnds"));

        async Task<X509Certificate2> EventuallyAsync(PortalHost host, Func<X509Certificate2, bool> isWanted)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (true)
            {
                var shown = await ShownAsync(host);
                if (isWanted(shown)) return shown;
                Assert.False(patience.IsCancellationRequested, $"After 30 s still {shown.Subject}");
            }
        }
    }

    /// <summary>Starts pebble, which asks the test's name server and comes to the portal's port.</summary>
    private async Task<RunningPart> PebbleAsync(PortalHost portal)
    {
        var (port, management) = (FreePort.Take(), FreePort.Take());
        var own = authority.Issue("localhost");
        await File.WriteAllTextAsync(TrustFile, authority.RootPem, Cancel);
        own.WritePair(folder, "pebble");
        var config = Path.Combine(folder, "pebble.json");
        await File.WriteAllTextAsync(config, string.Create(CultureInfo.InvariantCulture, $$"""
            { "pebble": {
                "listenAddress": "127.0.0.1:{{port}}", "managementListenAddress": "127.0.0.1:{{management}}",
                "certificate": "{{folder}}/pebble.pem", "privateKey": "{{folder}}/pebble.key",
                "httpPort": {{portal.WebPort}}, "tlsPort": {{portal.HttpsPort}}, "ocspResponderURL": "", "externalAccountBindingRequired": false } }
            """), Cancel);
        server = string.Create(CultureInfo.InvariantCulture, $"https://localhost:{port}/dir");
        return await RunningPart.StartAsync("pebble", ["-config", config, "-dnsserver", portal.Dns.Setting], new() { ["PEBBLE_VA_NOSLEEP"] = "1" }, port);
    }

    private async Task CertbotAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("certbot", [.. arguments, "-n", "--server", server, "--config-dir", Path.Combine(folder, "certbot"), "--work-dir", Path.Combine(folder, "work"), "--logs-dir", Path.Combine(folder, "logs")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["REQUESTS_CA_BUNDLE"] = TrustFile },
        };
        using var certbot = Process.Start(start)!;
        var error = certbot.StandardError.ReadToEndAsync(Cancel);
        var output = await certbot.StandardOutput.ReadToEndAsync(Cancel);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        await certbot.WaitForExitAsync(patience.Token);
        Assert.True(certbot.ExitCode == 0, $"certbot ended with {certbot.ExitCode}: {output}{await error}");
    }

    private static async Task<X509Certificate2> ShownAsync(PortalHost portal)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, portal.SubmissionsPort, Cancel);
        X509Certificate2? shown = null;
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, _, _) =>
        {
            shown = new X509Certificate2(certificate!);
            return true;
        });
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Name }, Cancel);
        return shown!;
    }
}
