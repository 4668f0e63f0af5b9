using System.Globalization;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using MimeKit;
using Portal.Core.Logs;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;
using Portal.Tests.Web;

namespace Portal.Tests.Integration;

/// <summary>From a message to its session in the log.</summary>
public class SessionLogTests
{
    [Fact]
    public async Task A_message_taken_is_logged_and_its_trace_leads_to_the_lines_of_its_session()
    {
        await using var portal = await PortalHost.StartAsync();
        Guid first, second;
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort))
        {
            first = QueueIdOf(await talk.SendAsync("a@example.org", [PortalHost.AdminAddress], "Subject: the secret plan\r\n\r\nHello\r\n"));
            second = QueueIdOf(await talk.SendAsync("b@example.org", [PortalHost.AdminAddress], "Subject: x\r\n\r\nHello\r\n"));
        }

        using (var other = await SmtpTalk.OpenAsync(portal.SmtpPort)) await other.SendAsync("c@example.org", [PortalHost.AdminAddress], "Subject: y\r\n\r\nHello\r\n");

        var line = Assert.Single(await LinesAsync(portal, new LogQuery { QueueId = first }, 1));
        Assert.Equal((LogLevel.Information, "Smtp.Receiving"), (line.Level, line.Component));
        Assert.DoesNotContain("secret", line.ToString(), StringComparison.Ordinal);
        Assert.Equal([second, first], (await LinesAsync(portal, new LogQuery { SessionId = line.SessionId }, 2)).Select(l => l.QueueId!.Value));

        var trace = (await portal.Get<TraceService>().GetAsync(Actor.Operator(), first, CancellationToken.None)).Value;
        Assert.Equal(line.SessionId, trace.Events[0].Facts[0].Inputs["session"]);
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        Assert.Contains($"/admin/logs?session={line.SessionId}", (await browser.GetAsync($"admin/trace/{first}")).Text, StringComparison.Ordinal);
        Assert.Contains(second.ToString(), (await browser.GetAsync($"admin/logs?session={line.SessionId}")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_s_trace_names_its_session_too()
    {
        await using var portal = await PortalHost.StartAsync();
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort))
        {
            await talk.AskAsync("MAIL FROM:<a@example.org>");
            await talk.AskAsync("RCPT TO:<nobody@portal.test>");
            await talk.AskAsync("RSET");
        }

        var facts = await portal.EventuallyAsync(db => db.TraceEvents.Select(e => e.Facts).FirstOrDefaultAsync(), facts => facts is not null);

        Assert.True(Guid.TryParse(TraceFacts.Read(facts!)[0].Inputs["session"], out _));
    }

    [Fact]
    public async Task Lines_written_while_an_account_is_served_lead_to_it()
    {
        await using var portal = await PortalHost.StartAsync();
        var account = await portal.ReadAsync(db => db.Accounts.Where(a => a.UserName == PortalHost.AdminAddress).Select(a => a.Id).SingleAsync());
        using (var client = new SmtpClient { ServerCertificateValidationCallback = (_, _, _, _) => true })
        {
            await client.ConnectAsync("127.0.0.1", portal.SubmissionPort, SecureSocketOptions.StartTls, TestContext.Current.CancellationToken);
            await client.AuthenticateAsync(PortalHost.AdminAddress, PortalHost.Password, TestContext.Current.CancellationToken);
            var message = new MimeMessage { Subject = "x", Body = new TextPart("plain") { Text = "y" } };
            message.From.Add(MailboxAddress.Parse(PortalHost.AdminAddress));
            message.To.Add(MailboxAddress.Parse(PortalHost.AdminAddress));
            await client.SendAsync(message, TestContext.Current.CancellationToken);
            await client.DisconnectAsync(true, TestContext.Current.CancellationToken);
        }

        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort)) await talk.SendAsync("a@example.org", [PortalHost.AdminAddress], "Subject: x\r\n\r\nHello\r\n");

        var line = Assert.Single(await LinesAsync(portal, new LogQuery { Property = LogText.AccountId, PropertyValue = account.ToString(), Component = "Smtp.Receiving" }, 1));
        Assert.NotNull(line.SessionId);
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        Assert.Contains($"/admin/accounts?open={account}", (await browser.GetAsync($"admin/logs?account={account}&line={line.Id}")).Text, StringComparison.Ordinal);
    }

    private static Guid QueueIdOf(string reply) => Guid.Parse(reply.Split(' ', '\r').First(word => Guid.TryParse(word, CultureInfo.InvariantCulture, out _)), CultureInfo.InvariantCulture);

    private static async Task<IReadOnlyList<LogEntry>> LinesAsync(PortalHost portal, LogQuery query, int wanted)
    {
        var logs = portal.Get<LogService>();
        using var stored = new SemaphoreSlim(0);
        using var following = logs.Follow(Actor.Operator(), () => stored.Release()).Value;
        while (true)
        {
            var lines = (await logs.SearchAsync(Actor.Operator(), query, CancellationToken.None)).Value.Entries;
            if (lines.Count >= wanted) return lines;
            Assert.True(await stored.WaitAsync(TimeSpan.FromSeconds(20)), $"{lines.Count} lines of {query}");
        }
    }
}
