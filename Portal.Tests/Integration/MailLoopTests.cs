using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Delivery;

namespace Portal.Tests.Integration;

/// <summary>An address of ours that forwards to somebody whose server sends the mail back to it.</summary>
public sealed class MailLoopTests
{
    private const string Alice = "alice@portal.test";
    private const string Team = "team@portal.test";
    private const string Letter = "From: carol@example.org\r\nSubject: x\r\n\r\n.y\r\n";

    [Theory, BothDatabases]
    public async Task What_comes_back_to_the_address_that_sent_it_on_is_refused_and_the_mailbox_keeps_one_copy(DatabaseKind kind)
    {
        await using var peer = new RecordingPeer();
        await using var portal = await StartAsync(kind, peer);
        using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);

        Assert.StartsWith("250", await talk.SendAsync("carol@example.org", ["Team@portal.test"], Letter), StringComparison.Ordinal);
        var sent = await LeavesAsync(portal, peer, 1);

        Assert.StartsWith($"Delivered-To: {Team}\r\nReceived: from ", sent, StringComparison.Ordinal);
        Assert.EndsWith(Letter, sent, StringComparison.Ordinal);
        Assert.StartsWith("554 5.4.6", await talk.SendAsync("carol@example.org", ["TEAM@portal.test"], Forwarded(sent)), StringComparison.Ordinal);
        Assert.Equal(1, await portal.ReadAsync(db => db.MailItems.CountAsync()));
        await portal.Get<TraceWriter>().FlushAsync();
        var refused = await portal.ReadAsync(db => db.Traces.SingleAsync(t => t.Outcome == TraceOutcome.Refused));
        Assert.Equal("message.loop", refused.Rule);
        var facts = TraceFacts.Read(await portal.ReadAsync(db => db.TraceEvents.Where(e => e.QueueId == refused.QueueId).Select(e => e.Facts).SingleAsync()));
        Assert.Contains(facts, f => f.Inputs.GetValueOrDefault("deliveredTo") == Team);
    }

    [Theory, BothDatabases]
    public async Task Beside_others_only_the_copy_that_loops_is_kept_back(DatabaseKind kind)
    {
        await using var peer = new RecordingPeer();
        await using var portal = await StartAsync(kind, peer);
        using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);
        await talk.SendAsync("carol@example.org", [Team], Letter);
        var sent = await LeavesAsync(portal, peer, 1);

        Assert.StartsWith("250", await talk.SendAsync("carol@example.org", [Team, Alice], Forwarded(sent)), StringComparison.Ordinal);

        Assert.Equal(0, await portal.ReadAsync(db => db.QueueEntries.CountAsync()));
        var kept = Assert.Single(await portal.ReadAsync(db => db.QuarantineItems.AsNoTracking().ToListAsync()));
        Assert.Equal((Team, true, "message.loop", DsnNotify.Never), (kept.ForwardPath, kept.IsRefused, kept.Rule, kept.Notify));
        Assert.Equal(2, await portal.ReadAsync(db => db.MailItems.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task Another_address_of_ours_sends_it_on_and_leaves_its_own_mark(DatabaseKind kind)
    {
        await using var peer = new RecordingPeer();
        await using var portal = await StartAsync(kind, peer);
        await AddAliasAsync(portal, "desk", "friend@example.net");
        using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);
        await talk.SendAsync("carol@example.org", [Team], Letter);
        var sent = await LeavesAsync(portal, peer, 1);

        Assert.StartsWith("250", await talk.SendAsync("carol@example.org", ["desk@portal.test"], Forwarded(sent)), StringComparison.Ordinal);

        var again = await LeavesAsync(portal, peer, 2);
        Assert.StartsWith("Delivered-To: desk@portal.test\r\n", again, StringComparison.Ordinal);
        Assert.EndsWith(Forwarded(sent), again, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task An_address_worked_off_by_the_queue_leaves_its_mark_too_and_no_mailbox_has_it(DatabaseKind kind)
    {
        await using var peer = new RecordingPeer();
        await using var portal = await StartAsync(kind, peer);
        using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);

        await talk.AskAsync($"MAIL FROM:<{Alice}>");
        Assert.StartsWith("250", await talk.AskAsync($"RCPT TO:<{Team}> NOTIFY=SUCCESS"), StringComparison.Ordinal);   // a receipt makes it the queue's work
        await talk.AskAsync("DATA");
        Assert.StartsWith("250", await talk.AskAsync("Subject: x\r\n\r\ny\r\n."), StringComparison.Ordinal);

        Assert.StartsWith($"Delivered-To: {Team}\r\nReceived: ", await LeavesAsync(portal, peer, 1), StringComparison.Ordinal);
        Assert.All(await portal.ReadAsync(db => db.Contents.Select(c => c.TraceFields).ToListAsync()), fields => Assert.DoesNotContain("Delivered-To", Encoding.ASCII.GetString(fields), StringComparison.Ordinal));
    }

    private static async Task<PortalHost> StartAsync(DatabaseKind kind, RecordingPeer peer)
    {
        var portal = await PortalHost.StartAsync(new PortalHostWishes { Database = kind, Settings = new() { ["Portal:Delivery:Port"] = $"{peer.Port}" } });
        portal.Dns.MailTo("example.net");
        await portal.AddMailboxAsync(Alice);
        await AddAliasAsync(portal, "team", Alice, "friend@example.net");
        return portal;
    }

    private static async Task AddAliasAsync(PortalHost portal, string localPart, params string[] targets)
    {
        var domain = await portal.ReadAsync(db => db.Domains.SingleAsync());
        var alias = new AliasContent { DomainId = domain.Id, LocalPart = localPart, Targets = targets };
        Assert.True((await portal.Get<AliasService>().CreateAsync(Actor.Operator(), alias, CancellationToken.None)).IsDone);
    }

    /// <summary>The newest message as the friend's server got it, once that many have left.</summary>
    private static async Task<string> LeavesAsync(PortalHost portal, RecordingPeer peer, int count)
    {
        await portal.EventuallyAsync(db => db.QueueEntries.CountAsync(), left => left == 0, seconds: 60);
        Assert.Equal(count, peer.Mails.Count);
        return peer.Mails.Last().Text;
    }

    private static string Forwarded(string text) => "Received: by mx.example.net; Mon, 30 Nov 2026 12:00:00 +0000\r\n" + text;
}
