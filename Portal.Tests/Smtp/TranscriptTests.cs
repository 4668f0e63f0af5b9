using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Portal.Core.Certificates;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp;

/// <summary>Every file in Transcripts/ is a dialogue and a test.</summary>
public sealed partial class TranscriptTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Smtp", "Transcripts");

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder, "*.smtp").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    /// <summary>Those that state what the database holds after.</summary>
    public static TheoryData<string> WithStatements => [.. Files.Select(f => f.Data).Where(f => File.ReadLines(Path.Combine(Folder, f)).Any(l => l.StartsWith("==", StringComparison.Ordinal)))];

    [Theory]
    [MemberData(nameof(Files))]
    public Task Dialogue(string file) => PlayAsync(file, DatabaseKind.Sqlite);

    [Theory]
    [MemberData(nameof(WithStatements))]
    public Task Dialogue_on_PostgreSQL(string file) => PlayAsync(file, DatabaseKind.Postgres);

    private static async Task PlayAsync(string file, DatabaseKind kind)
    {
        var transcript = Transcript.Read(Path.Combine(Folder, file));
        var outage = new Outage();
        await using var server = await SmtpTestServer.StartAsync(transcript.Options, services => outage.PutIn(services), kind);
        if (transcript.LacksCertificate) LoseCertificate(server);
        for (var i = 0; i < transcript.Others; i++) await server.Connect(transcript.Listener, transcript.Client).ReadReplyAsync();
        var client = server.Connect(transcript.Listener, transcript.Client);
        foreach (var line in transcript.Lines)
        {
            try
            {
                if (line.Kind is "C" or "R") await client.SendAsync(line.Octets());
                else if (line.Kind == "FAULT") Break(line.Text, server, outage);
                else for (var i = 0; i < line.Times; i++) await PlayAsync(line, file, server, client);
            }
            catch (TimeoutException)
            {
                Assert.Fail($"{file}:{line.Number} nothing came for «{line.Text}»");
            }
            catch (IOException)
            {
                Assert.Fail($"{file}:{line.Number} the server had closed before «{line.Text}»; its last words: «{await client.ReadReplyAsync()}»");
            }
        }
    }

    private static async Task PlayAsync(TranscriptLine line, string file, SmtpTestServer server, SmtpTestClient client)
    {
        switch (line.Kind)
        {
            case "TLS": await client.StartTlsAsync(); break;
            case "T": server.Clock.Advance(SpanOf(line.Text)); break;
            case "STOP": client.RequestStop(); break;
            case "HANGUP": await client.HangUpAsync(); break;
            case "S":
                var reply = await client.ReadLineAsync();
                Assert.True(line.Matches(reply), $"{file}:{line.Number} wanted «{line.Text}», got «{reply ?? "the end of the connection"}»");
                break;
            case "SS":
                var whole = await client.ReadReplyAsync();
                Assert.True(line.Matches(whole), $"{file}:{line.Number} wanted «{line.Text}», got «{whole ?? "the end of the connection"}»");
                break;
            case "CLOSED":
                var rest = await client.ReadLineAsync();
                Assert.True(rest is null, $"{file}:{line.Number} wanted the end of the connection, got «{rest}»");
                break;
            default:
                await Statement.CheckAsync(line, file, server);
                break;
        }
    }

    private static void Break(string part, SmtpTestServer server, Outage outage)
    {
        outage.IsOn = part == "database";
        server.Get<MailWriter>().Fault = part == "commit" ? (_, _) => throw new IOException("A fault of the test's.") : null;
        Assert.True(part is "database" or "commit" or "none", $"«{part}» is no fault");
    }

    /// <summary>The self-signed certificate expires, and where a new one would be written stands a folder.</summary>
    private static void LoseCertificate(SmtpTestServer server)
    {
        var until = server.Get<ServerCertificates>().Certificate.NotAfter.ToUniversalTime();
        var file = Path.Combine(server.Folder, "self-signed.pem");
        File.Delete(file);
        Directory.CreateDirectory(Path.Combine(file, "in the way"));
        server.Clock.SetUtcNow(new DateTimeOffset(until, TimeSpan.Zero).AddDays(1));
    }

    private static TimeSpan SpanOf(string text)
    {
        var match = SpanPattern().Match(text);
        Assert.True(match.Success, $"«{text}» is no time");
        int Part(int group) => match.Groups[group].Success ? int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture) : 0;
        return new TimeSpan(0, Part(1), Part(2));
    }

    [GeneratedRegex(@"^(?:(\d+)m)?(?:(\d+)s)?$")]
    private static partial Regex SpanPattern();

    /// <summary>What <c>==</c> can say of the system after a dialogue.</summary>
    private static class Statement
    {
        public static async Task CheckAsync(TranscriptLine line, string file, SmtpTestServer server)
        {
            var (subject, wanted) = Split(line.Text);
            var actual = subject switch
            {
                "inbox" or "sent" or "content" => "",
                "queue" => await QueueAsync(server),
                "trace" => await TraceAsync(server),
                "refused" => await RefusedAsync(server),
                _ => throw new FormatException($"{file}:{line.Number} says nothing known: {subject}"),
            };

            if (subject is "inbox" or "sent" or "content")
            {
                (var address, wanted) = Split(wanted);
                actual = await MailAsync(server, subject, address);
            }

            Assert.True(new TranscriptLine(line.Number, "S", 1, wanted).Matches(actual), $"{file}:{line.Number} wanted {subject} «{wanted}», got «{actual}»");
        }

        private static (string First, string Others) Split(string text)
        {
            var space = text.IndexOf(' ', StringComparison.Ordinal);
            return space < 0 ? (text, "") : (text[..space], text[(space + 1)..]);
        }

        // "inbox bob@portal.test 2": how many; "content bob@portal.test Subject: x\r\n": the octets of the last one, below the trace fields.
        private static async Task<string> MailAsync(SmtpTestServer server, string subject, string address)
        {
            var messages = await server.MessagesAsync(address, subject == "sent" ? SpecialUse.Sent : SpecialUse.Inbox, withTraceFields: false);
            return subject == "content" ? Escape(messages[^1]) : messages.Count.ToString(CultureInfo.InvariantCulture);
        }

        // "queue a@x->b@y, …" or "queue none".
        private static async Task<string> QueueAsync(SmtpTestServer server)
        {
            var entries = await server.ReadAsync(db => Task.FromResult(db.QueueEntries.OrderBy(e => e.Id).ToList()));
            return entries.Count == 0 ? "none" : string.Join(", ", entries.Select(e => $"{e.ReversePath}->{e.ForwardPath}"));
        }

        // "trace Refused recipient.unknown: nobody@portal.test Refused recipient.unknown; …", one for each trace, parted by " | ".
        private static async Task<string> TraceAsync(SmtpTestServer server)
        {
            var traces = await server.TracesAsync();
            return traces.Count == 0 ? "none" : string.Join(" | ", traces.Select(t =>
                $"{t.Trace.Outcome} {t.Trace.Rule ?? "-"}: " + string.Join("; ", t.Recipients.Select(r => $"{r.Recipient} {r.Outcome} {r.Rule}"))));
        }

        // "refused 1000 201": recipients that the one trace lists, and how many more it tells of.
        private static async Task<string> RefusedAsync(SmtpTestServer server)
        {
            var (trace, recipients) = Assert.Single(await server.TracesAsync());
            var facts = await server.ReadAsync(db => Task.FromResult(db.TraceEvents.Single(e => e.QueueId == trace.QueueId).Facts));
            return $"{recipients.Count} {TraceFacts.Read(facts)[0].Inputs.GetValueOrDefault("moreRefused") ?? "0"}";
        }

        private static string Escape(byte[] octets)
        {
            var text = new StringBuilder();
            foreach (var octet in octets)
                text.Append(octet switch { 13 => "\\r", 10 => "\\n", 0 => "\\0", >= 32 and < 127 => ((char)octet).ToString(), _ => $"\\x{octet:x2}" });
            return text.ToString();
        }
    }
}
