using System.Text;
using Microsoft.Extensions.Options;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class OpenMailTests
{
    private static readonly MimeLimits Limits = new(Options.Create(new MimeOptions()));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Alternatives_give_text_and_html_attachments_are_listed_and_shown_images_are_not()
    {
        using var mail = await ReadAsync("""
            From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>
            To: "Anna, B" <anna@portal.test>, bert@portal.test
            Subject: =?gb2312?b?xOO6ww==?=
            Date: Tue, 24 Nov 2026 10:00:00 +0800
            Message-ID: <1@example.org>
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=a

            --a
            Content-Type: multipart/alternative; boundary=b

            --b
            Content-Type: text/plain; charset=utf-8

            Plain words
            --b
            Content-Type: multipart/related; boundary=c

            --c
            Content-Type: text/html; charset=utf-8

            <p>HTML words <img src="cid:logo@x"></p>
            --c
            Content-Type: image/png; name=logo.png
            Content-ID: <logo@x>
            Content-Transfer-Encoding: base64

            iVBORw0KGgo=
            --c--
            --b--
            --a
            Content-Type: application/pdf; name="report.pdf"
            Content-Disposition: attachment; filename*=utf-8''%e6%8a%a5%e5%91%8a.pdf
            Content-Transfer-Encoding: base64

            JVBERi0xLjQK
            --a--

            """);

        Assert.True(mail.IsReadable);
        Assert.Equal(("Plain words", "你好"), (mail.Text?.Trim(), mail.Subject));
        Assert.Contains("HTML words", mail.Html);
        Assert.Equal(new MailPerson("Jürgen", "j@example.org"), Assert.Single(mail.From));
        Assert.Equal([new MailPerson("Anna, B", "anna@portal.test"), new MailPerson("", "bert@portal.test")], mail.To);
        Assert.Equal("报告.pdf", Assert.Single(mail.Attachments).FileName);
        Assert.Equal("logo@x", Assert.Single(mail.Parts, p => p.IsInline).ContentId);
        var copy = new MemoryStream();
        Assert.True(await mail.CopyPartAsync(mail.Attachments.Single().Number, copy, Cancel));
        Assert.Equal("%PDF-1.4\n", Encoding.ASCII.GetString(copy.ToArray()));
        Assert.False(await mail.CopyPartAsync(0, copy, Cancel));   // the text is no part of its own
        Assert.False(await mail.CopyPartAsync(99, copy, Cancel));
    }

    [Theory]
    [InlineData("text/plain; charset=gb2312", "c4e3bac3", "你好")]
    [InlineData("text/plain; charset=iso-2022-jp", "1b2442467c4b5c1b2842", "日本")]
    [InlineData("text/plain; charset=koi8-r", "f0d2c9d7c5d4", "Привет")]
    [InlineData("text/plain; charset=no-such-thing", "e4bda0e5a5bd", "你好")]
    [InlineData("text/plain", "e4bda0e5a5bd", "你好")]
    [InlineData("text/plain; charset=us-ascii", "47727ffc6e", "Gr\u007Fün")]
    [InlineData("text/plain; charset=iso-8859-1", "8048692093", "€Hi “")]
    [InlineData("text/html", "3c6d65746120636861727365743d67626b3e3c703ec4e3bac3", "你好")]
    [InlineData("text/plain; charset=utf-7", "2b4144772d", "+ADw-")]
    public async Task Charsets_are_read_as_declared_or_as_they_turn_out_to_be(string type, string octets, string wanted)
    {
        byte[] message = [.. Encoding.ASCII.GetBytes($"Content-Type: {type}\r\n\r\n"), .. Convert.FromHexString(octets)];
        using var mail = await OpenMail.ReadAsync(new MemoryStream(message), Limits, Cancel);

        Assert.EndsWith(wanted, (mail.Html ?? mail.Text)?.TrimEnd());
    }

    [Fact]
    public async Task A_hundred_levels_are_taken_apart_and_more_are_shown_as_source()
    {
        using var deep = await ReadAsync(Nested(99));
        Assert.True(deep.IsReadable);
        Assert.Equal("deep down", deep.Text?.Trim());

        using var deeper = await ReadAsync(Nested(150));
        Assert.False(deeper.IsReadable);
        using var deepest = await ReadAsync(Nested(20_000));
        Assert.False(deepest.IsReadable);
    }

    [Fact]
    public async Task Depth_and_parts_are_settings()
    {
        var limits = new MimeLimits(Options.Create(new MimeOptions { MaxDepth = 3, MaxParts = 5 }));

        foreach (var (message, isReadable) in new[] { (Nested(3), true), (Nested(4), false), (Parts(4), true), (Parts(5), false) })
        {
            using var mail = await OpenMail.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(message.ReplaceLineEndings("\r\n"))), limits, Cancel);
            Assert.Equal(isReadable, mail.IsReadable);
        }
    }

    [Fact]
    public async Task Ten_thousand_parts_are_taken_apart_and_more_are_shown_as_source()
    {
        using var many = await ReadAsync(Parts(9_000));
        Assert.True(many.IsReadable);
        using var tooMany = await ReadAsync(Parts(300_000));
        Assert.False(tooMany.IsReadable);
    }

    [Theory]
    [InlineData("Content-Type: multipart/mixed\n\nno boundary at all\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=x\n\nthe boundary never comes\n")]
    [InlineData("")]
    public async Task A_broken_tree_is_shown_as_source(string message)
    {
        using var mail = await ReadAsync(message);

        Assert.False(mail.IsReadable);
        Assert.Empty(mail.Parts);
    }

    [Theory]
    [InlineData("\n", "just a body\n", "just a body")]
    [InlineData("Subject: x\nFrom nobody: \0\n\n", "a\0b\n", "ab")]
    [InlineData("Content-Type: multipart/mixed; boundary=x\n\n--x\n\n", "one\n--x \n\ntwo\n--x--\n", "one")]
    [InlineData("Content-Type: text/plain; format=flowed\n\n", "a long \nline\n", "a long line")]
    public async Task Odd_but_legal_messages_are_read(string header, string body, string wanted)
    {
        using var mail = await ReadAsync(header + body);

        Assert.True(mail.IsReadable);
        Assert.StartsWith(wanted, mail.Text);
    }

    [Theory]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData("C:\\\\temp\\\\a.doc", "a.doc")]
    [InlineData("invoice\u202Efdp.exe", "invoicefdp.exe")]
    [InlineData("..", "part-0.bin")]
    [InlineData("a\u0007b.txt", "ab.txt")]
    public async Task File_names_hold_no_path_no_control_and_no_direction(string given, string wanted)
    {
        using var mail = await OpenMail.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes($"Content-Type: application/x-a\r\nContent-Disposition: attachment; filename=\"{given}\"\r\n\r\nx")), Limits, Cancel);

        Assert.Equal(wanted, Assert.Single(mail.Attachments).FileName);
    }

    [Fact]
    public void Previews_are_words_on_one_line_without_markup_or_padding()
    {
        Assert.Equal("Sale today only", MailText.Preview(null, "<html><head><title>T</title><style>p{color:red}</style></head><body><p>Sale&nbsp;\u200B\u200C</p>\n<div>today<br>only</div></body>"));
        Assert.Equal("a b", MailText.Preview("\r\n a \t\r\n b\u034F", null));
        Assert.Null(MailText.Preview(" \r\n ", null));
        Assert.InRange(MailText.Preview(new string('x', 5000), null)!.Length, 190, 200);
    }

    [Theory, BothDatabases]
    public async Task A_large_attachment_comes_out_byte_for_byte(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var file = new byte[5_000_000];
        new Random(7).NextBytes(file);
        var message = "Content-Type: multipart/mixed; boundary=x\n\n--x\n\ntext\n--x\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n"
            + Convert.ToBase64String(file, Base64FormattingOptions.InsertLineBreaks) + "\n--x--\n";
        var item = await bed.DeliverAsync(bed.Anna, message);

        using var mail = (await bed.Mail.OpenAsync(bed.Anna.Actor, item, Cancel)).Value;
        var copy = new MemoryStream();
        await mail.CopyPartAsync(mail.Attachments.Single().Number, copy, Cancel);

        Assert.Equal(file, copy.ToArray());
        Assert.InRange(mail.Attachments.Single().SizeBytes, file.Length - 100, file.Length + 100);
        var row = Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Inbox));
        Assert.Equal(("text", true), (row.Preview, row.HasAttachments));
    }

    private static Task<OpenMail> ReadAsync(string message) => OpenMail.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(message.ReplaceLineEndings("\r\n"))), Limits, Cancel);

    private static string Nested(int levels) =>
        string.Concat(Enumerable.Range(0, levels).Select(i => $"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n")) + "\ndeep down\n";

    private static string Parts(int count)
    {
        var text = new StringBuilder("Content-Type: multipart/mixed; boundary=x\n\n");
        for (var i = 0; i < count; i++) text.Append("--x\nContent-Type: image/x\n\ny\n");
        return text.Append("--x--\n").ToString();
    }
}
