using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Delivery;
using Portal.Tests.Web;

namespace Portal.Tests.Smtp;

/// <summary>What comes in is never changed: below the trace fields every octet is the client's, stored, read and sent on (DESIGN §3, Bytes).</summary>
public sealed class OddMessageTests
{
    private static readonly (string Name, byte[] Octets)[] Messages = [.. OddMessages()];

    [Theory, BothDatabases]
    public async Task Every_odd_message_is_stored_octet_for_octet_by_DATA_and_by_BDAT(DatabaseKind kind)
    {
        Assert.True(Messages.Length >= 50);
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        var expected = new List<(string Name, byte[] Octets)>();
        foreach (var (name, octets) in Messages)
        {
            if (EndsLine(octets))
            {
                await BeginAsync(client);
                Assert.StartsWith("354", await client.AskAsync("DATA"), StringComparison.Ordinal);
                await client.SendAsync(Stuffed(octets));
                await ExpectQueuedAsync(client, name);
                expected.Add((name + " by DATA", octets));
            }

            await BeginAsync(client);
            await client.SendAsync($"BDAT {octets.Length} LAST\r\n");
            await client.SendAsync(octets);
            await ExpectQueuedAsync(client, name);
            expected.Add((name + " by BDAT", octets));
        }

        var stored = await server.MessagesAsync("alice@portal.test", withTraceFields: false);
        var whole = await server.MessagesAsync("alice@portal.test");
        Assert.Equal(expected.Count, stored.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.True(expected[i].Octets.AsSpan().SequenceEqual(stored[i]), $"{expected[i].Name} was changed");
            Assert.True(whole[i].AsSpan().EndsWith(expected[i].Octets), $"{expected[i].Name} was changed below the trace fields");
            Assert.StartsWith("Return-Path: <carol@example.org>\r\nAuthentication-Results: mx.portal.test;\r\n", Encoding.Latin1.GetString(whole[i]), StringComparison.Ordinal);
        }

        // The alias with an external target: one queue entry each, of the same message.
        Assert.Equal(expected.Count, await server.ReadAsync(db => db.QueueEntries.CountAsync(e => e.ForwardPath == "partner@example.net")));
        Assert.Equal(expected.Count, await server.ReadAsync(db => db.Messages.CountAsync()));
    }

    [Fact]
    public async Task Every_odd_message_reaches_the_partner_and_the_reader_octet_for_octet()
    {
        await using var peer = new RecordingPeer();
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = new() { ["Portal:Delivery:Port"] = $"{peer.Port}" } });
        portal.Dns.MailTo("example.net");
        await portal.AddMailboxAsync("alice@portal.test");
        var domain = await portal.ReadAsync(db => db.Domains.SingleAsync());
        var alias = new AliasContent { DomainId = domain.Id, LocalPart = "sales", Targets = ["alice@portal.test", "partner@example.net"] };
        Assert.True((await portal.Get<AliasService>().CreateAsync(Actor.Operator(), alias, CancellationToken.None)).IsDone);

        var expected = new Dictionary<Guid, (string Name, byte[] Octets)>();
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort))
        {
            foreach (var (name, octets) in Messages)
            {
                Assert.StartsWith("250", await talk.AskAsync("MAIL FROM:<carol@example.org> BODY=8BITMIME"), StringComparison.Ordinal);
                Assert.StartsWith("250", await talk.AskAsync("RCPT TO:<sales@portal.test>"), StringComparison.Ordinal);
                var reply = await talk.AskAsync((byte[])[.. Encoding.ASCII.GetBytes($"BDAT {octets.Length} LAST\r\n"), .. octets]);
                Assert.True(reply.StartsWith("250 2.0.0 Queued as ", StringComparison.Ordinal), $"{name}: {reply}");
                expected[Guid.Parse(reply.Split(' ')[^1])] = (name, octets);
            }
        }

        await portal.EventuallyAsync(db => db.QueueEntries.CountAsync(), left => left == 0, seconds: 60);
        var sent = peer.Mails.ToDictionary(m => QueueIdOf(m.Content));
        var items = await portal.ReadAsync(db => db.MailItems.Join(db.Messages, i => i.MessageId, m => m.Id, (i, m) => new { m.QueueId, i.Id }).ToDictionaryAsync(m => m.QueueId, m => m.Id));
        using var alice = new PortalBrowser(portal);
        await alice.SignInAsync("alice@portal.test", PortalHost.Password);
        foreach (var (queueId, (name, octets)) in expected)
        {
            DemandBelowTraceFields(octets, sent[queueId].Content, "Delivered-To: sales@portal.test\r\nReceived: ", $"{name}, at the partner");
            DemandBelowTraceFields(octets, await alice.Http.GetByteArrayAsync($"mail/items/{items[queueId]}/raw"), "Return-Path: <carol@example.org>\r\nReceived: ", $"{name}, in My mail");
            DemandBelowTraceFields(octets, await alice.Http.GetByteArrayAsync($"mail/items/{items[queueId]}/source"), "Return-Path: <carol@example.org>\r\nReceived: ", $"{name}, its source");
        }

        Assert.Equal(expected.Count, peer.Mails.Count);
    }

    /// <summary>Our own trace fields stand in front, and not an octet more; behind them is what the client sent.</summary>
    private static void DemandBelowTraceFields(byte[] octets, byte[] found, string begins, string what)
    {
        Assert.True(found.AsSpan().EndsWith(octets), $"{what}: changed");
        var fields = Encoding.Latin1.GetString(found.AsSpan(..^octets.Length));
        Assert.True(fields.StartsWith(begins, StringComparison.Ordinal) && fields.EndsWith("+0000\r\n", StringComparison.Ordinal), $"{what}: {fields}");
        Assert.Equal(begins.Count(c => c == '\n') + 1, fields.Split("\r\n").Count(line => line.Length > 0 && line[0] != '\t'));
    }

    private static Guid QueueIdOf(byte[] content) => Guid.Parse(Encoding.Latin1.GetString(content).Split(" id ", 2)[1][..36]);

    private static async Task BeginAsync(SmtpTestClient client)
    {
        await client.SendAsync("MAIL FROM:<carol@example.org> BODY=8BITMIME\r\nRCPT TO:<sales@portal.test>\r\n");
        Assert.StartsWith("250", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.ReadReplyAsync(), StringComparison.Ordinal);
    }

    private static async Task ExpectQueuedAsync(SmtpTestClient client, string name)
    {
        var reply = await client.ReadReplyAsync();
        Assert.True(reply?.StartsWith("250 2.0.0 Queued", StringComparison.Ordinal), $"{name}: {reply}");
    }

    private static bool EndsLine(byte[] octets) => octets.Length == 0 || octets.AsSpan().EndsWith("\r\n"u8);

    private static byte[] Stuffed(byte[] octets)
    {
        var text = "\r\n" + Encoding.Latin1.GetString(octets);
        return Encoding.Latin1.GetBytes(text.Replace("\r\n.", "\r\n..", StringComparison.Ordinal)[2..] + ".\r\n");
    }

    private static IEnumerable<(string Name, byte[] Octets)> OddMessages()
    {
        static byte[] B(string text) => Encoding.Latin1.GetBytes(text);
        static byte[] U(string text) => Encoding.UTF8.GetBytes(text);
        const string head = "From: carol@example.org\r\nTo: alice@portal.test\r\nSubject: x\r\n";
        string Mime(string type, string body) => $"{head}MIME-Version: 1.0\r\nContent-Type: {type}\r\n\r\n{body}";

        yield return ("nothing", []);
        yield return ("no header", B("just text\r\n"));
        yield return ("no header, empty line first", B("\r\ntext\r\n"));
        yield return ("header only", B(head));
        yield return ("header only, no line end", B("Subject: x"));
        yield return ("no last line end", B(head + "\r\ntext"));
        yield return ("empty body", B(head + "\r\n"));
        yield return ("only an empty line", B("\r\n"));
        yield return ("many empty lines", B(head + string.Concat(Enumerable.Repeat("\r\n", 200))));
        yield return ("folded first line", B(" folded\r\nSubject: x\r\n\r\ny\r\n"));
        yield return ("tab first", B("\tfolded\r\n\r\ny\r\n"));
        yield return ("mbox From line", B("From carol@example.org Tue Nov 24 09:00:00 2026\r\n" + head + "\r\ny\r\n"));
        yield return ("From lines in the body", B(head + "\r\nFrom here\r\n>From there\r\n"));
        yield return ("dots", B(head + "\r\n.\r\n..\r\n...\r\n. \r\n.a\r\na.\r\n"));
        yield return ("dot first", B(".\r\n"));
        yield return ("dots in the header", B("..X: y\r\n.Z: y\r\n\r\n.\r\n"));
        yield return ("NUL in the body", B(head + "\r\na\0b\0\0\r\n"));
        yield return ("NUL in the header", B("Subject: a\0b\r\n\r\ny\r\n"));
        yield return ("all octets but CR and LF", [.. B(head + "\r\n"), .. Enumerable.Range(0, 256).Where(o => o is not (10 or 13)).Select(o => (byte)o), 13, 10]);
        yield return ("8-bit without encoding", B(head + "\r\nGr\u00fc\u00dfe\r\n"));
        yield return ("8-bit in the header", B("Subject: Gr\u00fc\u00dfe\r\n\r\ny\r\n"));
        yield return ("UTF-8 in the header", U("Subject: 你好\r\nFrom: 用户@例子.example\r\n\r\n世界\r\n"));
        yield return ("broken UTF-8", [.. B("Subject: "), 0xe4, 0xbd, .. B("\r\n\r\n"), 0xff, 0xfe, 13, 10]);
        yield return ("UTF-16 marks", [.. B(head + "\r\n"), 0xff, 0xfe, .. Encoding.Unicode.GetBytes("text"), 13, 10]);
        yield return ("BOM first", [0xef, 0xbb, 0xbf, .. B(head + "\r\ny\r\n")]);
        yield return ("line of 998", B(head + "\r\n" + new string('a', 998) + "\r\n"));
        yield return ("line of 999", B(head + "\r\n" + new string('a', 999) + "\r\n"));
        yield return ("line of 50 KB", B(head + "\r\n" + new string('a', 50 * 1024) + "\r\n"));
        yield return ("line of 64 KB", B(head + "\r\n" + new string('a', 64 * 1024) + "\r\n"));
        yield return ("header line of 20 KB", B("Subject: " + new string('s', 20 * 1024) + "\r\n\r\ny\r\n"));
        yield return ("5000 header fields", B(string.Concat(Enumerable.Range(0, 5000).Select(i => $"X-{i}: y\r\n")) + "\r\ny\r\n"));
        yield return ("a field without a name", B(": value\r\nSubject: x\r\n\r\ny\r\n"));
        yield return ("a field without a colon", B("Subject x\r\n\r\ny\r\n"));
        yield return ("space before the colon", B("Subject : x\r\nFrom\t: carol@example.org\r\n\r\ny\r\n"));
        yield return ("empty fields", B("Subject:\r\nFrom:\r\nTo: \r\n\r\ny\r\n"));
        yield return ("folded with only spaces", B("Subject: x\r\n \r\n\t\r\nTo: y\r\n\r\nz\r\n"));
        yield return ("every field twice", B(head + head + "\r\ny\r\n"));
        yield return ("three From fields", B("From: a@b.example\r\nFrom: c@d.example\r\nFrom: e@f.example\r\n\r\ny\r\n"));
        yield return ("Return-Path and Received of its own", B("Return-Path: <evil@example.org>\r\nReceived: from x by y; never\r\n" + head + "\r\ny\r\n"));
        yield return ("Bcc kept on the MX port", B(head + "Bcc: secret@example.org\r\n\r\ny\r\n"));
        yield return ("trailing spaces", B("Subject: x   \r\n\r\ny   \r\n \r\n\t\r\n"));
        yield return ("unknown charset", B(Mime("text/plain; charset=x-nowhere", "y\r\n")));
        yield return ("broken base64", B(Mime("text/plain\r\nContent-Transfer-Encoding: base64", "####\r\nYW\r\n=\r\n")));
        yield return ("broken quoted-printable", B(Mime("text/plain\r\nContent-Transfer-Encoding: quoted-printable", "=ZZ =\r\n=3\r\n")));
        yield return ("multipart without boundary", B(Mime("multipart/mixed", "--x\r\n\r\na\r\n--x--\r\n")));
        yield return ("multipart never closed", B(Mime("multipart/mixed; boundary=x", "--x\r\n\r\na\r\n--x\r\n\r\nb\r\n")));
        yield return ("space after a boundary", B(Mime("multipart/mixed; boundary=\"x\"", "--x  \r\n\r\na\r\n--x--\t\r\n")));
        yield return ("preamble and epilogue", B(Mime("multipart/mixed; boundary=x", "before\r\n--x\r\n\r\na\r\n--x--\r\nafter\r\n\r\n")));
        yield return ("empty multipart", B(Mime("multipart/alternative; boundary=x", "--x--\r\n")));
        yield return ("boundary in quotes with odd characters", B(Mime("multipart/mixed; boundary=\"'()+_,-./:=? \"", "--'()+_,-./:=? \r\n\r\na\r\n--'()+_,-./:=? --\r\n")));
        yield return ("150 multiparts deep", B(head + "MIME-Version: 1.0\r\n" + string.Concat(Enumerable.Range(0, 150).Select(i => $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")) + "\r\ny\r\n"));
        yield return ("message in a message", B(Mime("message/rfc822", head + "\r\ninner\r\n")));
        yield return ("uuencode", B(head + "\r\nbegin 644 x.txt\r\n#86)C\r\n`\r\nend\r\n"));
        yield return ("signed with DKIM", B("DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x;\r\n\th=from:to; bh=abc=; b=def\r\n  ghi=\r\n" + head + "\r\ny\r\n"));
        yield return ("signed with S/MIME", B(Mime("multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=x", "--x\r\nContent-Type: text/plain\r\n\r\ntext \r\n--x\r\nContent-Type: application/pkcs7-signature\r\n\r\nMII=\r\n--x--\r\n")));
        yield return ("signed with PGP inline", B(head + "\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n- -- dashes\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nabc\r\n-----END PGP SIGNATURE-----\r\n"));
        yield return ("large and incompressible", [.. B(head + "\r\n"), .. Noise(300_000), 13, 10]);
        yield return ("large and uniform", B(head + "\r\n" + string.Concat(Enumerable.Repeat("0123456789\r\n", 30_000))));
    }

    private static IEnumerable<byte> Noise(int octets)
    {
        var random = new Random(11);
        for (var i = 0; i < octets; i++) yield return i % 70 == 69 ? (byte)10 : i % 70 == 68 ? (byte)13 : (byte)random.Next(32, 256);
    }
}
