using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
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
        Assert.Contains(", hour by hour in the last day: at most 1 in an hour.", page, StringComparison.Ordinal);
        Assert.Equal(4, page.Split("class=\"hours-table\"").Length - 1);
        const string Cause = "/admin/trace?outcome=Refused&rule=recipient.unknown&range=day";
        Assert.Contains($"<a href=\"{Cause}\">Refused: no mailbox, alias or catch-all has this address.</a>", page, StringComparison.Ordinal);
        Assert.Contains("nobody@portal.test", (await browser.GetAsync(Cause)).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("nobody@portal.test", (await browser.GetAsync(Cause.Replace("unknown", "relayDenied", StringComparison.Ordinal))).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_system_that_only_this_machine_reaches_says_so_with_its_remedy_until_mail_comes_from_outside()
    {
        await using var portal = await PortalHost.StartAsync();
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        Assert.Contains("Set Portal:ListenAddress to 0.0.0.0. The host name is mx.portal.test.", (await browser.GetAsync("admin")).Text, StringComparison.Ordinal);

        using var stranger = await SmtpTalk.OpenAsync(portal.SmtpPort);
        Assert.StartsWith("250", await stranger.SendAsync("carl@example.org", [PortalHost.AdminAddress], "Subject: x\r\n\r\ny\r\n"), StringComparison.Ordinal);
        await portal.ReadAsync(async db => await db.Traces.ExecuteUpdateAsync(t => t.SetProperty(x => x.ClientAddress, "9.9.9.9")));   // as if it had come from there
        Assert.DoesNotContain("Set Portal:ListenAddress to 0.0.0.0. The host name", (await browser.GetAsync("admin")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_blocked_port_is_told_from_the_courier_s_own_connections_and_no_longer_once_one_succeeds()
    {
        await using var portal = await PortalHost.StartAsync();
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        var domain = await portal.ReadAsync(db => db.Domains.SingleAsync());
        string[] far = ["one.example", "two.example", "three.example"];
        foreach (var name in far) portal.Dns.MailTo(name);
        var alias = new AliasContent { DomainId = domain.Id, LocalPart = "all", Targets = [.. far.Select(f => $"sales@{f}")] };
        Assert.True((await portal.Get<AliasService>().CreateAsync(Actor.Operator(), alias, CancellationToken.None)).IsDone);
        var told = $"No mail server could be reached on port {portal.DeliveryPort}.";
        Assert.DoesNotContain(told, (await browser.GetAsync("admin")).Text, StringComparison.Ordinal);

        using (var stranger = await SmtpTalk.OpenAsync(portal.SmtpPort))
            Assert.StartsWith("250", await stranger.SendAsync("carl@example.org", ["all@portal.test"], "Subject: x\r\n\r\ny\r\n"), StringComparison.Ordinal);
        await HealthAsync(portal, status => status.IsBlocked);
        var blocked = (await browser.GetAsync("admin")).Text;
        Assert.Contains(told, blocked, StringComparison.Ordinal);
        Assert.Contains("<a href=\"/admin/routes\">Ask the provider to open it, or send through a smart host.</a>", blocked, StringComparison.Ordinal);

        using var server = new TcpListener(IPAddress.Loopback, portal.DeliveryPort);
        server.Start();
        await portal.Get<QueueService>().RetryAsync(Actor.Operator(), QueueSelection.Matching(QueueFilter.All), CancellationToken.None);
        (await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken)).Dispose();   // reached, whatever is said over it
        await HealthAsync(portal, status => status.Recent.Any(t => t.IsReached));
        server.Stop();
        Assert.DoesNotContain(told, (await browser.GetAsync("admin")).Text, StringComparison.Ordinal);
    }

    private static Task<DeliveryStatus> HealthAsync(PortalHost portal, Func<DeliveryStatus, bool> isWanted) =>
        portal.EventuallyAsync(_ => Task.FromResult(portal.Get<DeliveryHealth>().Status()), isWanted, seconds: 60);
}
