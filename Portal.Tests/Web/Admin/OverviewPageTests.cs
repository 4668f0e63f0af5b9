using Microsoft.EntityFrameworkCore;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web.Admin;

public class OverviewPageTests
{
    [Fact]
    public async Task The_certificate_is_told_and_each_cause_of_refusals_opens_its_trace()
    {
        await using var portal = await PortalHost.StartAsync();
        using (var stranger = await SmtpTalk.OpenAsync(portal.SmtpPort))
        {
            await stranger.AskAsync("MAIL FROM:<a@example.org>");
            Assert.StartsWith("550", await stranger.AskAsync("RCPT TO:<nobody@portal.test>"), StringComparison.Ordinal);
            await stranger.AskAsync("QUIT");
        }

        await portal.EventuallyAsync(db => db.Traces.CountAsync(t => t.Outcome == TraceOutcome.Refused), count => count == 1);
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        var (_, page, _) = await browser.GetAsync("admin");

        Assert.Contains("Self-signed: it encrypts", page, StringComparison.Ordinal);
        Assert.Contains("mx.portal.test, localhost", page, StringComparison.Ordinal);
        const string Cause = "/admin/trace?outcome=Refused&rule=recipient.unknown&range=day";
        Assert.Contains($"<a href=\"{Cause}\">Refused: no mailbox, alias or catch-all has this address.</a>", page, StringComparison.Ordinal);
        Assert.Contains("nobody@portal.test", (await browser.GetAsync(Cause)).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("nobody@portal.test", (await browser.GetAsync(Cause.Replace("unknown", "relayDenied", StringComparison.Ordinal))).Text, StringComparison.Ordinal);
    }
}
