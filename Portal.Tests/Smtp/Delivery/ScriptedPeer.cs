using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>Plays a <see cref="PeerScript"/> on a loopback port.</summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    private static readonly Lazy<X509Certificate2> Certificate = new(MakeCertificate);
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly PeerScript script;
    private Stream? stream;
    private TcpClient? client;

    public ScriptedPeer(PeerScript script)
    {
        this.script = script;
        listener.Start();
        Played = GuardAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)listener.LocalEndpoint;

    /// <summary>Ends with the script; fails where the courier said something else.</summary>
    public Task Played { get; }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        if (stream is not null) await stream.DisposeAsync();
        client?.Dispose();
    }

    private async Task GuardAsync()
    {
        try
        {
            await PlayAsync();
        }
        catch
        {
            client?.Close();   // else the courier waits for the rest of the script
            throw;
        }
    }

    private async Task PlayAsync()
    {
        await AcceptAsync();
        foreach (var line in script.Lines)
        {
            switch (line.Kind)
            {
                case "S":
                    await SayAsync(line);
                    break;
                case "C":
                    var said = await ReadLineAsync();
                    Assert.True(line.Matches(said), $"{script.Name}:{line.Number} wanted «{line.Text}», got «{said ?? "the end of the connection"}»");
                    break;
                case "TLS":
                    await SecureAsync();
                    break;
                case "CLOSE":
                    client!.Close();
                    break;
                case "CLOSED":
                    var rest = await ReadLineAsync();
                    Assert.True(rest is null, $"{script.Name}:{line.Number} wanted the end of the connection, got «{rest}»");
                    break;
                case "NEXT":
                    await AcceptAsync();
                    break;
                case "SILENT":
                    while (await ReadLineAsync() is not null)
                    {
                        // Heard and not answered.
                    }

                    break;
            }
        }
    }

    private async Task SayAsync(PeerLine line)
    {
        try
        {
            for (var i = 0; i < line.Times; i++) await stream!.WriteAsync(Escapes.Octets(line.Text + "\\r\\n"));
        }
        catch (IOException)
        {
            // The courier has heard enough; what the script wants next tells whether that was right.
        }
    }

    private async Task SecureAsync()
    {
        var tls = new SslStream(stream!);
        stream = tls;
        try
        {
            await tls.AuthenticateAsServerAsync(Certificate.Value);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            client!.Close();   // the courier does not want it
        }
    }

    private async Task AcceptAsync()
    {
        client?.Dispose();
        client = await listener.AcceptTcpClientAsync();
        stream = client.GetStream();
    }

    /// <summary>A line without its CRLF; null at the end. Octets beyond ASCII and controls come as \xHH.</summary>
    private async Task<string?> ReadLineAsync()
    {
        var text = new StringBuilder();
        var octet = new byte[1];
        try
        {
            while (await stream!.ReadAsync(octet) == 1)
            {
                if (octet[0] == '\n' && text.ToString().EndsWith("\\x0d", StringComparison.Ordinal)) return text.ToString(0, text.Length - 4);
                if (octet[0] is >= 32 and < 127) text.Append((char)octet[0]);
                else text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\x{octet[0]:x2}");
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // Reset, or no TLS came about: the end as well.
        }

        return text.Length == 0 ? null : text.ToString();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=mx.example.org", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
