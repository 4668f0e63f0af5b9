using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;

namespace Portal.Tests.Smtp;

/// <summary>A whole session under random octets in random pieces, each verb a seed.</summary>
public sealed partial class SessionFuzzTests
{
    private static readonly string[] Seeds =
    [
        "EHLO client.example.org\r\n", "HELO x\r\n", "MAIL FROM:<carol@example.org>\r\n", "MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n", "RCPT TO:<alice@portal.test>\r\n", "RCPT TO:<bob@portal.test>\r\n",
        "RCPT TO:<nobody@portal.test> NOTIFY=NEVER\r\n", "DATA\r\n", "BDAT 4\r\n", "BDAT 3 LAST\r\n", "BDAT 0 LAST\r\n", "BDAT x\r\n", "RSET\r\n", "NOOP\r\n", "QUIT\r\n", "VRFY a\r\n", "HELP\r\n", "AUTH PLAIN =\r\n",
        "\r\n.\r\n", ".\r\n", ".", "\r\n", "\r", "\n", "\n.\n", "Subject: x\r\n\r\nbody\r\n", "\0", "\u00ff", "用户", "a b c", " ", "<", ">",
    ];

    private static Gen<string> Dialogues => Gen.Frequency(
        (6, Gen.Elements(Seeds)),
        (1, ArbMap.Default.GeneratorFor<NonNull<string>>().Select(s => s.Get)),
        (2, Gen.Constant("HELO x\r\nMAIL FROM:<carol@example.org>\r\nRCPT TO:<alice@portal.test>\r\nDATA\r\n")),
        (1, Gen.Choose(1, 3).Select(n => new string('a', n * 1500)))).ListOf().Select(parts => string.Concat(parts));

    [Fact]
    public async Task Any_octets_in_any_pieces_get_the_same_replies_and_never_break_the_server()
    {
        await using var server = await SmtpTestServer.StartAsync();
        var delivered = 0;
        var random = new Random(20261124);
        foreach (var dialogue in Dialogues.Sample(300, size: 30))
        {
            var octets = Encoding.UTF8.GetBytes(dialogue);
            var whole = await TalkAsync(server, octets, () => int.MaxValue);
            var pieces = await TalkAsync(server, octets, () => random.Next(1, 20));

            Assert.All(whole, reply => Assert.Matches(@"^\d{3}[ -]", reply));
            Assert.DoesNotContain(whole, r => r.StartsWith("451", StringComparison.Ordinal));
            Assert.Equal(whole, pieces);
            delivered += 2 * whole.Count(r => r.StartsWith("250 2.0.0 Queued", StringComparison.Ordinal));
        }

        Assert.True(delivered > 0, "The seeds must reach the end of DATA");
        Assert.Equal(delivered, await server.ReadAsync(db => Task.FromResult(db.Messages.Count())));
    }

    [Fact]
    public async Task Octets_behind_STARTTLS_never_break_the_server()
    {
        await using var server = await SmtpTestServer.StartAsync();
        foreach (var dialogue in Dialogues.Sample(50, size: 20))
        {
            var replies = await TalkAsync(server, Encoding.UTF8.GetBytes($"EHLO x\r\nSTARTTLS\r\n{dialogue}"), () => 7);

            Assert.DoesNotContain(replies, r => r.Contains("Queued", StringComparison.Ordinal));
        }
    }

    private static async Task<List<string>> TalkAsync(SmtpTestServer server, byte[] octets, Func<int> size)
    {
        await using var client = server.Connect();
        var replies = ReadAllAsync(client);
        try
        {
            for (int at = 0, length; at < octets.Length; at += length)
            {
                length = Math.Min(size(), octets.Length - at);
                await client.SendAsync(octets.AsMemory(at, length));
            }
        }
        catch (IOException)
        {
            // The server closed, as QUIT or a bad BDAT asks of it; what it said counts.
        }

        await client.HangUpAsync();
        var said = await replies;
        await client.Session;   // throws what the server threw
        return said;
    }

    private static async Task<List<string>> ReadAllAsync(SmtpTestClient client)
    {
        var replies = new List<string>();
        while (await client.ReadLineAsync(strict: false) is { } line)
        {
            replies.Add(QueueIdPattern().Replace(line, "ID"));
        }

        return replies;
    }

    [GeneratedRegex("[0-9a-f-]{36}")]
    private static partial Regex QueueIdPattern();
}
