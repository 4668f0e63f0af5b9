using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Portal.Core.Alerts;
using Portal.Core.Certificates;
using Portal.Core.Data;
using Portal.Tests.Fixtures;
using Portal.Tests.Web;

namespace Portal.Tests.Integration;

/// <summary>A certificate that is no good stops nothing; a renewed one needs no restart.</summary>
public class CertificateTests
{
    private readonly string folder = TestFolder.Create();

    [Theory]
    [InlineData(CertificateProblem.CertificateMissing)]
    [InlineData(CertificateProblem.CertificateUnreadable)]
    [InlineData(CertificateProblem.CertificateExpired)]
    public async Task One_that_is_no_good_is_stood_in_for_and_said_so(CertificateProblem problem)
    {
        var file = Path.Combine(folder, "mx.pem");
        if (problem == CertificateProblem.CertificateUnreadable) await File.WriteAllTextAsync(file, "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n");
        if (problem == CertificateProblem.CertificateExpired) Write(file, "mx.portal.test", -10, -1);
        var settings = PortalHost.FreshSettings(Path.Combine(folder, "data"), "127.0.0.1:1");
        settings["Portal:Tls:Certificate"] = file;

        await using (var process = await PortalProcess.StartServerAsync(settings))
        {
            Assert.Contains("a self-signed certificate stands in", process.Output, StringComparison.Ordinal);
            Assert.Contains("Portal:Tls", await File.ReadAllTextAsync(Directory.GetFiles(Path.Combine(folder, "data", "logs")).Single()), StringComparison.Ordinal);
        }

        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = new() { ["Portal:Tls:Certificate"] = file } });
        Assert.Equal(problem.ToString(), Assert.Single(portal.Get<SystemNotices>().Current).Key);
        Assert.True(portal.Get<ServerCertificates>().IsSelfSigned);
        using var shown = await HandshakeAsync(portal.HttpsPort);
        Assert.Equal("CN=mx.portal.test", shown.Subject);
    }

    [Theory]
    [InlineData("missing", CertificateProblem.CertificateMissing)]
    [InlineData("no key at all", CertificateProblem.CertificateUnreadable)]
    [InlineData("another's", CertificateProblem.CertificateUnreadable)]
    [InlineData("empty", CertificateProblem.CertificateUnreadable)]
    [InlineData("expired", CertificateProblem.CertificateExpired)]
    [InlineData("its own", CertificateProblem.None)]
    public async Task A_key_in_a_file_of_its_own_that_does_not_serve_is_told_in_the_banner(string key, CertificateProblem problem)
    {
        var (certificate, keyFile, other) = (Path.Combine(folder, "mx.pem"), Path.Combine(folder, "mx.key"), Path.Combine(folder, "other.pem"));
        Write(certificate, "mx.portal.test", -10, key == "expired" ? -1 : 90);
        Write(other, "other.portal.test", -10, 90);
        var (own, others) = (await File.ReadAllTextAsync(certificate), await File.ReadAllTextAsync(other));
        await File.WriteAllTextAsync(certificate, own[..own.IndexOf("-----BEGIN PRIVATE", StringComparison.Ordinal)]);
        if (key != "missing") await File.WriteAllTextAsync(keyFile, key switch { "no key at all" => "-----BEGIN PRIVATE KEY-----\nnothing\n-----END PRIVATE KEY-----\n", "another's" => KeyOf(others), "empty" => "", _ => KeyOf(own) });

        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = new() { ["Portal:Tls:Certificate"] = certificate, ["Portal:Tls:Key"] = keyFile } });
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        var page = (await browser.GetAsync("admin/about")).Text;

        Assert.Equal(problem, portal.Get<ServerCertificates>().Problem);
        var banner = problem switch
        {
            CertificateProblem.CertificateMissing => "The certificate named in the settings is not there",
            CertificateProblem.CertificateExpired => "The certificate named in the settings has expired",
            _ => "The certificate named in the settings cannot be read",
        };
        Assert.Equal(problem != CertificateProblem.None, page.Contains(banner, StringComparison.Ordinal));
        Assert.Equal(problem != CertificateProblem.None, page.Contains("class=\"banner red\"", StringComparison.Ordinal));
        using var shown = await HandshakeAsync(portal.HttpsPort);   // a handshake works either way
        Assert.Equal("CN=mx.portal.test", shown.Subject);

        static string KeyOf(string pem) => pem[pem.IndexOf("-----BEGIN PRIVATE", StringComparison.Ordinal)..];
    }

    [Fact]
    public async Task Everything_wrong_at_once_stops_nothing_and_is_told_on_the_page()
    {
        using var authority = new TestAuthority();
        var (own, pfx) = (Directory.CreateDirectory(Path.Combine(folder, "own")).FullName, Path.Combine(folder, "default.pfx"));
        await File.WriteAllBytesAsync(pfx, authority.Issue("mx.portal.test").Pfx("right"));
        await File.WriteAllTextAsync(Path.Combine(folder, "default.pass"), "wrong");
        await File.WriteAllTextAsync(Path.Combine(own, "noise.pem"), "\0noise");
        await File.WriteAllTextAsync(Path.Combine(own, "large.crt"), new string('x', 2_000_000));
        File.CreateSymbolicLink(Path.Combine(own, "nowhere.pem"), Path.Combine(own, "gone"));
        Directory.CreateDirectory(Path.Combine(own, "folder.pem"));
        File.CreateSymbolicLink(Path.Combine(own, "circle"), own);
        using (var pipe = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(own, "pipe.pem")])) await pipe.WaitForExitAsync();
        authority.Issue("good.portal.test").WritePair(own, "good");

        await using var portal = await PortalHost.StartAsync(new PortalHostWishes
        {
            Settings = new()
            {
                ["Portal:Tls:Certificate"] = pfx,
                ["Portal:Tls:PasswordFile"] = Path.Combine(folder, "default.pass"),
                ["Portal:Tls:Folder"] = own,
                ["Portal:Tls:Certificates:0:File"] = Path.Combine(folder, "missing.pem"),
                ["Portal:Tls:Certificates:0:Key"] = Path.Combine(folder, "missing.key"),
            },
        });
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        var page = WebUtility.HtmlDecode((await browser.GetAsync("admin/certificates")).Text);

        foreach (var told in new[] { "default.pfx can't be opened with the password given", "noise.pem holds no certificate", "large.crt is larger than 1 MB", "nowhere.pem is a link that leads nowhere", "pipe.pem is empty", "missing.pem is not there", "good.portal.test" })
            Assert.Contains(told, page, StringComparison.Ordinal);
        Assert.Equal(["CertificateUnreadable", "CertificateTrouble"], portal.Get<SystemNotices>().Current.Select(n => n.Key));
        using var shown = await HandshakeAsync(portal.HttpsPort);
        Assert.Equal("CN=mx.portal.test", shown.Subject);
        Assert.True(portal.Get<ServerCertificates>().IsSelfSigned);
    }

    [Fact]
    public async Task A_renewed_one_is_shown_without_a_restart()
    {
        var file = Path.Combine(folder, "mx.pem");
        Write(file, "first.portal.test", -1, 90);
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        using var certificates = new ServerCertificates(
            Microsoft.Extensions.Options.Options.Create(new TlsOptions { Certificate = file }),
            Microsoft.Extensions.Options.Options.Create(new StorageOptions { DataFolder = folder }),
            new Microsoft.Extensions.Configuration.ConfigurationManager(), new SystemNotices(clock, Microsoft.Extensions.Logging.Abstractions.NullLogger<SystemNotices>.Instance), clock, Microsoft.Extensions.Logging.Abstractions.NullLogger<ServerCertificates>.Instance);
        Assert.Equal("CN=first.portal.test", certificates.Certificate.Subject);

        Write(file, "second.portal.test", -1, 90);
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(1));
        clock.Advance(TimeSpan.FromSeconds(10));
        certificates.Look();

        Assert.Equal("CN=second.portal.test", certificates.Certificate.Subject);
        Assert.False(certificates.IsSelfSigned);
    }

    [Fact]
    public async Task The_self_signed_one_survives_a_restart_and_names_the_host()
    {
        var data = Path.Combine(folder, "data");
        string first;
        await using (var portal = await PortalHost.StartAsync(new PortalHostWishes { DataFolder = data })) first = portal.Get<ServerCertificates>().Certificate.Thumbprint;
        await using var again = await PortalHost.StartAsync(new PortalHostWishes { DataFolder = data });

        using var shown = await HandshakeAsync(again.HttpsPort);
        Assert.Equal(first, shown.Thumbprint);
        Assert.True(shown.MatchesHostname("mx.portal.test"));
        Assert.True(shown.MatchesHostname("localhost"));
    }

    private static void Write(string file, string name, int fromDay, int toDay)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(fromDay), DateTimeOffset.UtcNow.AddDays(toDay));
        File.WriteAllText(file, $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
    }

    private static async Task<X509Certificate2> HandshakeAsync(int port)
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(System.Net.IPAddress.Loopback, port);
        X509Certificate2? shown = null;
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, _, _) =>
        {
            shown = new X509Certificate2(certificate!);
            return true;
        });
        await tls.AuthenticateAsClientAsync("mx.portal.test");
        return shown!;
    }
}
