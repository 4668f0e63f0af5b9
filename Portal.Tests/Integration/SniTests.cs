using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Portal.Core.Certificates;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>Every door shows the certificate of the name that is asked for, a renewed one without a restart, and sessions under way go on.</summary>
public sealed class SniTests : IAsyncLifetime
{
    private readonly TestAuthority authority = new();
    private readonly string folder = TestFolder.Create();
    private PortalHost portal = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        authority.Issue("mail.example.org").WritePair(folder, "mail");
        authority.Issue("*.example.org", isRsa: true).WritePair(folder, "wildcard");
        authority.Issue("xn--bcher-kva.example").WritePair(folder, "idn");
        authority.Issue("default.example.net").WritePair(folder, "default");
        portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = new() { ["Portal:Tls:Folder"] = folder, ["Portal:Tls:Certificate"] = Path.Combine(folder, "default.pem"), ["Portal:Tls:Key"] = Path.Combine(folder, "default.key") } });
    }

    public async ValueTask DisposeAsync()
    {
        await portal.DisposeAsync();
        authority.Dispose();
    }

    [Theory]
    [InlineData("mail.example.org", "CN=mail.example.org")]
    [InlineData("MAIL.EXAMPLE.ORG", "CN=mail.example.org")]
    [InlineData("imap.example.org", "CN=*.example.org")]
    [InlineData("a.imap.example.org", "CN=default.example.net")]
    [InlineData("xn--bcher-kva.example", "CN=xn--bcher-kva.example")]
    [InlineData("unknown.example", "CN=default.example.net")]
    [InlineData("", "CN=default.example.net")]   // no name at all
    public async Task A_name_finds_its_certificate_with_the_intermediate_one(string name, string subject)
    {
        foreach (var (door, port, isStartTls) in Doors)
        {
            await using var session = await Session.OpenAsync(port, isStartTls, name, authority.Root);

            Assert.True(session.Shown?.Subject == subject, $"{door}: {session.Shown?.Subject}");
            Assert.True(session.IsTrusted, $"{door}: the chain does not lead to the root");
        }
    }

    [Fact]
    public async Task Openssl_sees_the_same_and_verifies_the_chain()
    {
        var root = Path.Combine(folder, "root.crt.txt");
        await File.WriteAllTextAsync(root, authority.RootPem, Cancel);
        foreach (var (door, port, arguments) in new (string, int, string[])[]
        {
            ("HTTPS", portal.HttpsPort, []), ("submissions", portal.SubmissionsPort, []),
            ("submission", portal.SubmissionPort, ["-starttls", "smtp"]), ("MX", portal.SmtpPort, ["-starttls", "smtp"]),
        })
        {
            foreach (var (name, subject) in new[] { ("mail.example.org", "mail.example.org"), ("imap.example.org", "*.example.org"), (null, "default.example.net") })
            {
                var said = await OpensslAsync(["s_client", "-connect", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "-CAfile", root, "-showcerts", .. arguments, .. name is null ? new[] { "-noservername" } : ["-servername", name, "-verify_hostname", name]]);

                Assert.Contains($"subject=CN = {subject}", said, StringComparison.Ordinal);
                Assert.Contains("Verify return code: 0 (ok)", said, StringComparison.Ordinal);
                Assert.True(said.Split("-----BEGIN CERTIFICATE-----").Length - 1 >= 2, $"{door}: the intermediate certificate is not sent");
            }
        }
    }

    [Fact]
    public async Task A_renewed_one_is_shown_within_seconds_while_open_sessions_go_on()
    {
        var open = new List<Session>();
        foreach (var (_, port, isStartTls) in Doors) open.Add(await Session.OpenAsync(port, isStartTls, "mail.example.org", authority.Root));
        var renewed = authority.Issue("mail.example.org", 120);

        await File.WriteAllTextAsync(Path.Combine(folder, "mail.pem"), renewed.Chain, Cancel);
        portal.Get<ServerCertificates>().Look();   // the key is late
        await using (var between = await Session.OpenAsync(portal.HttpsPort, false, "mail.example.org", authority.Root)) Assert.Equal(open[0].Shown!.Thumbprint, between.Shown!.Thumbprint);

        await File.WriteAllTextAsync(Path.Combine(folder, "mail.key"), renewed.Key, Cancel);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var shown = open[0].Shown!.Thumbprint;
        while (shown != renewed.Certificate.Thumbprint)   // the program looks by itself
        {
            Assert.False(patience.IsCancellationRequested, "The renewed certificate was not shown within 30 s");
            await using var session = await Session.OpenAsync(portal.HttpsPort, false, "mail.example.org", authority.Root);
            shown = session.Shown!.Thumbprint;
        }

        foreach (var (door, port, isStartTls) in Doors)
        {
            await using var session = await Session.OpenAsync(port, isStartTls, "mail.example.org", authority.Root);
            Assert.True(session.Shown!.Thumbprint == renewed.Certificate.Thumbprint, door);
        }

        foreach (var (session, (door, _, _)) in open.Zip(Doors))
        {
            Assert.StartsWith(door == "HTTPS" ? "HTTP/1.1 200" : "250", await session.AskAsync(door == "HTTPS" ? "GET /health/live HTTP/1.1\r\nHost: mail.example.org\r\n" : "NOOP"), StringComparison.Ordinal);
            await session.DisposeAsync();
        }
    }

    private IEnumerable<(string Door, int Port, bool IsStartTls)> Doors =>
        [("HTTPS", portal.HttpsPort, false), ("submissions", portal.SubmissionsPort, false), ("submission", portal.SubmissionPort, true), ("MX", portal.SmtpPort, true)];

    private static async Task<string> OpensslAsync(string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(Cancel);
        var output = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return output + await error;
    }

    /// <summary>A connection in TLS, as a client of a protocol has it.</summary>
    private sealed class Session : IAsyncDisposable
    {
        private readonly TcpClient client = new();
        private SslStream tls = null!;
        private StreamReader reader = null!;

        public X509Certificate2? Shown { get; private set; }

        /// <summary>Whether the certificates sent lead to the root.</summary>
        public bool IsTrusted { get; private set; }

        public static async Task<Session> OpenAsync(int port, bool isStartTls, string name, X509Certificate2 root)
        {
            var session = new Session();
            await session.client.ConnectAsync(IPAddress.Loopback, port, Cancel);
            var stream = session.client.GetStream();
            if (isStartTls)
            {
                using var clear = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                await clear.ReadLineAsync(Cancel);
                foreach (var command in new[] { "EHLO client.example", "STARTTLS" })
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), Cancel);
                    while (await clear.ReadLineAsync(Cancel) is { } line && line[3] == '-')
                    {
                    }
                }
            }

            session.tls = new SslStream(stream);
            await session.tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = name,
                    CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
                    RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                    {
                        (session.Shown, session.IsTrusted) = (new X509Certificate2(certificate!), !errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors));
                        return true;
                    },
                },
                Cancel);
            session.reader = new StreamReader(session.tls, Encoding.ASCII);
            if (isStartTls) await session.AskAsync("EHLO client.example");
            return session;
        }

        /// <summary>The last line of a reply, or the first of an answer in HTTP.</summary>
        public async Task<string?> AskAsync(string line)
        {
            await tls.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), Cancel);
            while (true)
            {
                var said = await reader.ReadLineAsync(Cancel);
                if (said is null or not [_, _, _, '-', ..] and not ['2', '2', '0', ..]) return said;   // past the greeting of implicit TLS
            }
        }

        public async ValueTask DisposeAsync()
        {
            await tls.DisposeAsync();
            client.Dispose();
        }
    }
}
