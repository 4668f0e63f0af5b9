using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Portal.Smtp.Server;

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

    private static readonly string SignIn = $"EHLO client.example.org\r\nAUTH PLAIN {Base64($"\0alice@portal.test\0{SmtpTestServer.Password}")}\r\n";

    private const string Letter = "MAIL FROM:<alice@portal.test>\r\nRCPT TO:<bob@portal.test>\r\nDATA\r\nFrom: alice@portal.test\r\n\r\nx\r\n.\r\n";

    private static Gen<string> Submissions => Gen.Frequency(
        (4, Gen.Elements(Seeds)),
        (4, Gen.Elements("AUTH PLAIN\r\n", "AUTH LOGIN\r\n", "AUTH LOGIN =\r\n", "AUTH X\r\n", "*\r\n", "=\r\n", "!!!\r\n", $"{Base64("alice@portal.test")}\r\n", $"{Base64("\0alice\0wrong")}\r\n", $"AUTH PLAIN {Base64("\0\0")}\r\n", "MAIL FROM:<alice@portal.test> AUTH=<>\r\n", Letter)),
        (1, ArbMap.Default.GeneratorFor<NonNull<string>>().Select(s => s.Get))).ListOf().Select(parts => string.Concat(parts));

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

    [Fact]
    public async Task Raw_octets_of_any_value_get_the_same_replies_in_any_pieces_and_never_break_the_server()
    {
        await using var server = await SmtpTestServer.StartAsync();
        var random = new Random(20261201);
        for (var i = 0; i < 200; i++)
        {
            var octets = Spoil(i % 3 == 0 ? "" : string.Concat(random.GetItems(Seeds, 12)), random);
            var whole = await TalkAsync(server, octets, () => int.MaxValue);
            var pieces = await TalkAsync(server, octets, () => random.Next(1, 9));

            Assert.All(whole, reply => Assert.Matches(@"^\d{3}[ -]", reply));
            Assert.DoesNotContain(whole, r => r.StartsWith("451", StringComparison.Ordinal));
            Assert.Equal(whole, pieces);
        }
    }

    [Fact]
    public async Task Any_octets_under_TLS_on_a_submission_port_never_break_the_server_nor_pass_for_somebody()
    {
        await using var server = await SmtpTestServer.StartAsync();
        var random = new Random(20261202);
        foreach (var dialogue in Submissions.Sample(120, size: 20))
        {
            var octets = random.Next(2) == 0 ? Encoding.UTF8.GetBytes(dialogue) : Spoil(dialogue, random);
            var replies = await TalkAsync(server, octets, () => random.Next(1, 40), isSubmission: true);

            Assert.All(replies, reply => Assert.Matches(@"^\d{3}[ -]", reply));
            Assert.DoesNotContain(replies, r => r.StartsWith("451", StringComparison.Ordinal) || r.StartsWith("235", StringComparison.Ordinal) || r.Contains("Queued", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Any_octets_after_AUTH_never_break_the_server_and_what_is_queued_is_there()
    {
        await using var server = await SmtpTestServer.StartAsync();
        var (random, delivered) = (new Random(20261203), 0);
        foreach (var dialogue in Submissions.Sample(120, size: 20))
        {
            var replies = await TalkAsync(server, Encoding.UTF8.GetBytes($"{SignIn}{(random.Next(2) == 0 ? Letter : "")}{dialogue}"), () => random.Next(1, 40), isSubmission: true);

            Assert.Single(replies, r => r.StartsWith("235", StringComparison.Ordinal));
            Assert.DoesNotContain(replies, r => r.StartsWith("451", StringComparison.Ordinal));
            delivered += replies.Count(r => r.StartsWith("250 2.0.0 Queued", StringComparison.Ordinal));
        }

        Assert.True(delivered > 0, "The seeds must reach the end of DATA");
        Assert.Equal(delivered, await server.ReadAsync(db => Task.FromResult(db.Messages.Count())));
    }

    /// <summary>The text in UTF-8 with some octets in between that may be anything.</summary>
    private static byte[] Spoil(string text, Random random)
    {
        var octets = Encoding.UTF8.GetBytes(text).ToList();
        for (var i = random.Next(1, 60); i > 0; i--) octets.Insert(random.Next(octets.Count + 1), (byte)random.Next(256));
        return [.. octets];
    }

    private static async Task<List<string>> TalkAsync(SmtpTestServer server, byte[] octets, Func<int> size, bool isSubmission = false)
    {
        await using var client = server.Connect(isSubmission ? SmtpListenerKind.Submission : SmtpListenerKind.Mx);
        if (isSubmission)
        {
            await client.ReadReplyAsync();
            await client.AskAsync("EHLO client.example.org");
            await client.AskAsync("STARTTLS");
            await client.StartTlsAsync();
        }

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

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    [GeneratedRegex("[0-9a-f-]{36}")]
    private static partial Regex QueueIdPattern();
}
