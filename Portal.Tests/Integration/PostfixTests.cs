using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>Postfix's own sender and receiver on either side of the whole program.</summary>
public sealed class PostfixTests
{
    private const int Messages = 40;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task What_smtp_source_sends_is_all_in_the_mailbox(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        var bob = (await portal.AddMailboxAsync("bob@portal.test")).MailboxId;

        await UnpackedPart.RunAsync("postfix", "smtp-source", TestFolder.Create(), "-s", "5", "-m", $"{Messages}", "-l", "5000", "-f", "carol@example.org", "-t", "bob@portal.test", $"127.0.0.1:{portal.SmtpPort}");

        Assert.Equal(Messages, await portal.ReadAsync(db => db.MailItems.CountAsync(i => i.MailboxId == bob, Cancel)));
        Assert.Equal(Messages, await portal.ReadAsync(db => db.Traces.CountAsync(t => t.ReversePath == "carol@example.org" && t.Outcome == TraceOutcome.Accepted, Cancel)));
    }

    [Theory, BothDatabases]
    public async Task What_the_queue_sends_smtp_sink_receives_once_each(DatabaseKind kind)
    {
        var folder = TestFolder.Create();
        await using var portal = await PortalHost.StartAsync(kind);
        portal.Dns.MailTo("example.org");
        using var sink = SmtpSink.Start(folder, portal.DeliveryPort);
        await portal.AddMailboxAsync("anna@portal.test");
        var domain = await portal.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync(Cancel));
        var away = await portal.Get<Portal.Core.Recipients.AliasService>().CreateAsync(
            Portal.Core.Permissions.Actor.Operator(), new() { DomainId = domain, LocalPart = "away", Targets = ["carol@example.org", "dave@example.org"] }, Cancel);
        Assert.True(away.IsDone, away.Refusal?.Key);

        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort))
        {
            for (var i = 0; i < 10; i++)
                Assert.StartsWith("250", await talk.SendAsync("bob@elsewhere.example", ["away@portal.test"], string.Create(CultureInfo.InvariantCulture, $"Subject: to Postfix {i}\r\n\r\n.dot\r\n..\r\nFrom here {i}\r\n")), StringComparison.Ordinal);
        }

        await portal.EventuallyAsync(db => db.QueueEntries.CountAsync(), left => left == 0, seconds: 60);

        var received = Directory.GetFiles(folder, "mail.*").Select(File.ReadAllText).ToList();
        for (var i = 0; i < 10; i++)
        {
            var copies = received.Where(m => m.TrimEnd('\n').EndsWith($"Subject: to Postfix {i}\n\n.dot\n..\nFrom here {i}", StringComparison.Ordinal)).ToList();
            Assert.Equal(1, copies.Count(m => m.Contains("X-Rcpt-Args: <carol@example.org>", StringComparison.Ordinal)));
            Assert.Equal(1, copies.Count(m => m.Contains("X-Rcpt-Args: <dave@example.org>", StringComparison.Ordinal)));
        }

        Assert.Equal(20, await portal.ReadAsync(db => db.TraceRecipients.CountAsync(r => r.Outcome == RecipientOutcome.Relayed && r.Recipient.EndsWith("@example.org"), Cancel)));
    }
}
