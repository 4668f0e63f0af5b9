using FsCheck.Fluent;
using Portal.Core.Logs;

namespace Portal.Tests.Core.Logs;

public class LogTextTests
{
    [Theory]
    [InlineData("250 OK\r\n2026-11-24 forged line", @"250 OK\r\n2026-11-24 forged line")]
    [InlineData("a\0b\u001b[31mred\u0085", @"a\u0000b\u001B[31mred\u0085")]
    [InlineData("abc\u202Etxt.exe\u2028next", @"abc\u202Etxt.exe\u2028next")]
    [InlineData("tab\there", @"tab\there")]
    [InlineData("日志 stays", "日志 stays")]
    public void A_line_stays_one_line_whatever_a_peer_said(string text, string line) => Assert.Equal(line, LogText.OneLine(text, 100));

    [Fact]
    public void No_text_makes_a_second_line_or_exceeds_its_bound()
    {
        foreach (var text in Gen.ArrayOf(Gen.Choose(0, 0xFFFF)).Select(codes => new string([.. codes.Select(c => (char)c)])).Sample(60, 2_000))
        {
            var line = LogText.OneLine(text, 40);
            Assert.DoesNotContain(line, c => char.IsControl(c) || c is '\u2028' or '\u2029');
            Assert.InRange(line.Length, 0, 40 + 7);   // the last escape and the ellipsis
        }
    }

    [Fact]
    public void Secrets_and_content_are_left_out_by_name()
    {
        var json = LogText.Properties([new("Password", "hunter2"), new("SmtpPassword", "hunter2"), new("Token", "hunter2"), new("Subject", "hunter2"), new("Host", "mx.example.org")])!;

        Assert.DoesNotContain("hunter2", json, StringComparison.Ordinal);
        Assert.Equal("mx.example.org", LogText.ReadProperties(json)["Host"]);
        Assert.Equal(LogText.Removed, LogText.ReadProperties(json)["SmtpPassword"]);
    }

    [Theory]
    [InlineData("Portal.Smtp.Delivery.QueueRunner", "Smtp.Delivery")]
    [InlineData("Portal.Core.Messages.MailWriter", "Core.Messages")]
    [InlineData("Portal.Web.Startup", "Web")]
    [InlineData("Microsoft.AspNetCore.Hosting.Diagnostics", "Microsoft.AspNetCore")]
    [InlineData(null, "Host")]
    public void A_component_is_the_part_of_the_program_that_speaks(string? source, string component) => Assert.Equal(component, LogText.ComponentOf(source));
}
