using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Portal.Core.Messages;
using Portal.Smtp.Protocol;
using Portal.Smtp.Submission;

namespace Portal.Tests.Smtp.Submission;

public sealed class HeaderRepairTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 10, 0, 0, TimeSpan.FromHours(1));

    private static Gen<string> Messages => Gen.Frequency(
        (4, Gen.Elements("From: a@b.example\r\n", "Bcc: x@y.example\r\n", "BCC:\r\n z\r\n", "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n", "Message-ID: <1@x>\r\n", "Subject: x\r\n y\r\n", "Resent-Bcc: r\r\n", "X:\r\n")),
        (1, Gen.Elements("\r\n", "text\r\n", " folded\r\n", ":\r\n", "From \r\n", "Bcc : spaced\r\n"))).ListOf().Select(parts => string.Concat(parts));

    [Property(MaxTest = 1000)]
    public Property Any_message_keeps_its_body_and_gets_what_misses() =>
        Prop.ForAll(Messages.ToArbitrary(), text =>
        {
            var octets = Encoding.ASCII.GetBytes(text);
            var scan = new ContentScan();
            scan.Scan(octets);

            var repaired = new HeaderRepair("own@portal.test", "id@mx", Now).Apply(octets, (int)scan.HeaderBytes);

            byte[] whole = [.. repaired.Header.Span, .. octets[repaired.BodyStart..]];
            var head = MessageHead.Parse(whole);
            Assert.True(head.IsComplete);
            Assert.Equal(repaired.Header.Length, head.HeaderBytes);
            Assert.NotNull(head.MessageId);
            Assert.True(head.FromCount >= 1);
            var header = Encoding.ASCII.GetString(repaired.Header.Span);
            Assert.Matches("(?im)^date *:", header);
            Assert.DoesNotMatch("(?im)^(resent-)?bcc *:", header);
            Assert.EndsWith("\r\n\r\n", header, StringComparison.Ordinal);
        });

    [Theory]
    [InlineData("From: a@b.example\r\nBcc: c@d.example,\r\n e@f.example\r\nTo: g@h.example\r\n\r\nBcc: body\r\n", "From: a@b.example\r\nTo: g@h.example\r\n\r\n", "Bcc: body\r\n")]
    [InlineData("From: a@b.example\r\n", "From: a@b.example\r\n\r\n", "")]
    [InlineData("From: a@b.example", "From: a@b.example\r\n\r\n", "")]
    [InlineData("From alice Tue\r\ntext\r\n", "From: <own@portal.test>\r\n\r\n", "From alice Tue\r\ntext\r\n")]
    [InlineData("\r\ntext\r\n", "From: <own@portal.test>\r\n\r\n", "text\r\n")]
    public void Header_and_body_part_where_they_should(string text, string header, string body)
    {
        var octets = Encoding.ASCII.GetBytes(text);
        var scan = new ContentScan();
        scan.Scan(octets);

        var repaired = new HeaderRepair("own@portal.test", "id@mx", Now).Apply(octets, (int)scan.HeaderBytes);

        var mended = Encoding.ASCII.GetString(repaired.Header.Span)
            .Replace("Date: Tue, 24 Nov 2026 10:00:00 +0100\r\n", "", StringComparison.Ordinal)
            .Replace("Message-ID: <id@mx>\r\n", "", StringComparison.Ordinal);
        Assert.Equal(header, mended);
        Assert.Equal(body, Encoding.ASCII.GetString(octets.AsSpan(repaired.BodyStart)));
    }
}
