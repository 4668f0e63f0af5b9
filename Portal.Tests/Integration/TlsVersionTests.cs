using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>
/// TLS below 1.2 is refused at every door (RFC 8996 §4, §5). The hello is made here, octet by octet: a library of today would not even
/// begin with an old version, and the test would prove nothing.
/// </summary>
public class TlsVersionTests
{
    private const byte Alert = 21, Handshake = 22, ServerHello = 2;

    [Fact]
    public async Task Below_1_2_no_door_answers_the_hello()
    {
        await using var portal = await PortalHost.StartAsync();
        foreach (var (door, port, isStartTls) in new[]
        {
            ("HTTPS", portal.HttpsPort, false), ("submissions", portal.SubmissionsPort, false),
            ("submission", portal.SubmissionPort, true), ("MX", portal.SmtpPort, true),
        })
        {
            foreach (var old in new byte[] { 0, 1, 2 })   // SSL 3.0, TLS 1.0, TLS 1.1
            {
                var refused = await AnswerAsync(port, isStartTls, old);
                Assert.True(refused is [] or [Alert, ..], $"{door} answered 3.{old} with {Convert.ToHexString(refused)}");
            }

            var taken = await AnswerAsync(port, isStartTls, 3);   // the same hello, but for the version
            Assert.True(taken is [Handshake, 3, 3, _, _, ServerHello, ..], $"{door} answered TLS 1.2 with {Convert.ToHexString(taken)}");
        }
    }

    /// <summary>The first octets that come back for a hello of version 3.<paramref name="minor"/>; none when the server only closed.</summary>
    private static async Task<byte[]> AnswerAsync(int port, bool isStartTls, byte minor)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, limit.Token);
        var stream = client.GetStream();
        if (isStartTls)
        {
            using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
            await reader.ReadLineAsync(limit.Token);
            await stream.WriteAsync("EHLO client.example\r\n"u8.ToArray(), limit.Token);
            while (await reader.ReadLineAsync(limit.Token) is { } line && line[3] == '-')
            {
            }

            await stream.WriteAsync("STARTTLS\r\n"u8.ToArray(), limit.Token);
            Assert.StartsWith("220", await reader.ReadLineAsync(limit.Token), StringComparison.Ordinal);
        }

        await stream.WriteAsync(Hello(minor), limit.Token);
        var answer = new byte[6];
        try
        {
            return answer[..await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, limit.Token)];
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>A ClientHello (RFC 5246 §7.4.1.2) with suites that both old and new versions know.</summary>
    private static byte[] Hello(byte minor)
    {
        byte[] suites = [0xC0, 0x2B, 0xC0, 0x2F, 0xC0, 0x09, 0xC0, 0x13, 0xC0, 0x0A, 0xC0, 0x14, 0x00, 0x2F];
        byte[] extensions =
        [
            0, 10, 0, 6, 0, 4, 0, 0x17, 0, 0x18,     // supported_groups: secp256r1, secp384r1
            0, 11, 0, 2, 1, 0,                       // ec_point_formats: uncompressed
            0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1,     // signature_algorithms: ECDSA, RSA-PSS and RSA with SHA-256
        ];
        byte[] body = [3, minor, .. RandomNumberGenerator.GetBytes(32), 0, 0, (byte)suites.Length, .. suites, 1, 0, 0, (byte)extensions.Length, .. extensions];
        return [Handshake, 3, Math.Min(minor, (byte)1), 0, (byte)(body.Length + 4), 1, 0, 0, (byte)body.Length, .. body];
    }
}
