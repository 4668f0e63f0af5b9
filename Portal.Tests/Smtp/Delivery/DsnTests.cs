using System.Collections;
using System.Globalization;
using System.Resources;
using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using Portal.Smtp.Reports;

namespace Portal.Tests.Smtp.Delivery;

public sealed partial class DsnTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 24, 9, 0, 0, TimeSpan.Zero);

    private static readonly DsnRecipient Failed = new()
    {
        ForwardPath = "bob@example.org",
        OriginalRecipient = "rfc822;robert@example.org",
        Action = DsnAction.Failed,
        Status = "5.1.1",
        Reason = "ReasonUnknownRecipient",
        RemoteMta = "mx.example.org",
        Reply = "550 5.1.1 No such user",
        LastAttemptAt = At,
    };

    private static readonly DsnReport Report = new()
    {
        QueueId = new Guid("019ab000-0000-7000-8000-000000000001"),
        At = At,
        HostName = "mx.portal.test",
        Recipient = "alice@portal.test",
        EnvelopeId = "QQ314159",
        ArrivedAt = At.AddHours(-1),
        MessageIdHeader = "m1@portal.test",
        Recipients = [Failed],
        Original = Encoding.ASCII.GetBytes("Received: by mx.portal.test\r\nFrom: alice@portal.test\r\nSubject: hello\r\n"),
        IsOriginalWhole = false,
    };

    public static TheoryData<string> Goldens => ["dsn-failed", "dsn-delayed", "dsn-relayed", "dsn-delivered", "dsn-full", "dsn-utf8"];

    [Theory]
    [MemberData(nameof(Goldens))]
    public void A_DSN_is_written_as_the_golden_file_has_it(string name)
    {
        var written = DsnWriter.Write(Golden(name));
        var file = Path.Combine(AppContext.BaseDirectory, "Golden", name + ".eml");
        if (Environment.GetEnvironmentVariable("PORTAL_WRITE_GOLDEN") is { } folder) File.WriteAllBytes(Path.Combine(folder, name + ".eml"), written);

        Assert.Equal(Encoding.UTF8.GetString(File.ReadAllBytes(file)), Encoding.UTF8.GetString(written));
    }

    [Fact]
    public void Another_reader_finds_all_of_RFC_3464_in_it()
    {
        var message = MimeMessage.Load(new MemoryStream(DsnWriter.Write(Report)));

        var report = Assert.IsType<MultipartReport>(message.Body);
        Assert.Equal("delivery-status", report.ReportType);
        Assert.Equal("auto-replied", message.Headers["Auto-Submitted"]);
        Assert.Equal("m1@portal.test", message.InReplyTo);
        Assert.Equal("Your message could not be delivered / 您的邮件未能投递", message.Subject);
        var status = Assert.IsType<MessageDeliveryStatus>(report[1]).StatusGroups;
        Assert.Equal(("dns; mx.portal.test", "QQ314159"), (status[0]["Reporting-MTA"], status[0]["Original-Envelope-Id"]));
        Assert.Equal(
            ["rfc822;robert@example.org", "rfc822; bob@example.org", "failed", "5.1.1", "dns; mx.example.org", "smtp; 550 5.1.1 No such user"],
            new[] { "Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code" }.Select(f => status[1][f]));
        Assert.Contains("hello", Assert.IsAssignableFrom<MimeEntity>(report[2]).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void People_read_it_in_both_languages()
    {
        var text = ((TextPart)((Multipart)MimeMessage.Load(new MemoryStream(DsnWriter.Write(Report))).Body!)[0]).Text;

        foreach (var words in new[] { DsnText.English, DsnText.Chinese })
            foreach (var key in new[] { "IntroFailed", "ReasonUnknownRecipient", "FooterHeaders" }) Assert.Contains(words[key], text, StringComparison.Ordinal);
        Assert.Contains("550 5.1.1 No such user", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_peer_said_cannot_become_a_field_or_a_line_too_long()
    {
        var evil = Report with { Recipients = [Failed with { Reply = "550 " + new string('x', 3000), ForwardPath = "\"a\\b\"@example.org" }], EnvelopeId = "a\r\nBcc: x@example.org" };

        var written = Encoding.UTF8.GetString(DsnWriter.Write(evil));

        Assert.DoesNotContain("\nBcc:", written, StringComparison.Ordinal);
        Assert.All(written.Split("\r\n"), line => Assert.True(line.Length <= 998, line));
    }

    [Fact]
    public void A_returned_message_is_inside_octet_for_octet()
    {
        var original = "Subject: odd \r\n folded\r\n\r\n.\r\n--x\r\n \xe9\r\nend"u8.ToArray();

        var written = DsnWriter.Write(Report with { Original = original, IsOriginalWhole = true });

        Assert.True(written.AsSpan().IndexOf(original) > 0);
    }

    /// <summary>Both languages have every text, with the same holes, and every text is used.</summary>
    [Fact]
    public void The_words_of_DSNs_are_complete_in_both_languages()
    {
        var words = new ResourceManager(typeof(DsnText));
        var english = Texts(words, CultureInfo.InvariantCulture);
        var chinese = Texts(words, CultureInfo.GetCultureInfo("zh-Hans"));

        Assert.Equal(english.Keys.Order(), chinese.Keys.Order());
        foreach (var (key, text) in english)
        {
            Assert.Equal(Holes().Matches(text).Select(m => m.Value).Order(), Holes().Matches(chinese[key]).Select(m => m.Value).Order());
            Assert.Contains(chinese[key], c => c >= 0x4E00);
        }

        foreach (var action in Enum.GetNames<DsnAction>()) Assert.True(english.ContainsKey($"Subject{action}") && english.ContainsKey($"Intro{action}"), action);
    }

    private static DsnReport Golden(string name) => name switch
    {
        "dsn-failed" => Report,
        "dsn-delayed" => Report with
        {
            Recipients = [Failed with { Action = DsnAction.Delayed, Status = "4.4.1", Reason = "ReasonWaiting", RemoteMta = null, Reply = "mx.example.org[192.0.2.1]:25: connection timed out", OriginalRecipient = null, WillRetryUntil = At.AddDays(5) }],
        },
        "dsn-relayed" => Report with { Recipients = [Failed with { Action = DsnAction.Relayed, Status = "2.0.0", Reason = "ReasonRelayed", Reply = "250 OK", OriginalRecipient = null }] },
        "dsn-delivered" => Report with
        {
            Recipients =
            [
                Failed with { Action = DsnAction.Delivered, Status = "2.0.0", Reason = "ReasonDelivered", RemoteMta = null, Reply = null },
                Failed with { ForwardPath = "team@example.org", OriginalRecipient = null, Action = DsnAction.Expanded, Status = "2.0.0", Reason = "ReasonExpanded", RemoteMta = null, Reply = null },
            ],
        },
        "dsn-full" => Report with { EnvelopeId = null, MessageIdHeader = null, Original = "Subject: hello\r\n\r\n.dots\r\nand text\r\n"u8.ToArray(), IsOriginalWhole = true },
        _ => Report with { Recipients = [Failed with { ForwardPath = "böb@example.org", OriginalRecipient = null, Status = "5.6.7", Reason = "ReasonUtf8", RemoteMta = null, Reply = "550 5.6.7 The destination does not take internationalised mail (SMTPUTF8)" }], Original = Encoding.UTF8.GetBytes("Subject: grüße\r\n") },
    };

    private static Dictionary<string, string> Texts(ResourceManager words, CultureInfo culture) =>
        words.GetResourceSet(culture, createIfNotExists: true, tryParents: false)!.Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string)e.Value!);

    [GeneratedRegex(@"\{\d+\}")]
    private static partial Regex Holes();
}
