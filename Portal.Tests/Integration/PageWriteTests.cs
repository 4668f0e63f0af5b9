using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>
/// What the WriteGate promises the people at the pages (DESIGN §5): while mail comes in as fast as it can be stored, what they save
/// is saved within 50 ms, 95 times of 100. SQLite only: on PostgreSQL nobody waits at the gate.
/// </summary>
[Collection(AloneCollection.Name)]
public class PageWriteTests
{
    private const int Connections = 10;
    private const int People = 2;
    private const int MaxMeasurings = 3;
    private static readonly TimeSpan Promised = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);
    private static readonly string Content = "From: bob@elsewhere.example\r\nTo: anna@portal.test\r\nSubject: Load\r\n\r\n" + string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog.\r\n", 110));

    /// <summary>The quick run judges no time.</summary>
    [Fact]
    public async Task Beside_full_mail_every_page_write_is_done_and_every_message_taken()
    {
        await using var portal = await PortalHost.StartAsync(DatabaseKind.Sqlite);
        var (recipients, changed) = await FillAsync(portal);

        var (_, writes, mails) = await MeasureAsync(portal, recipients, changed, WarmUp);

        Assert.True(writes > 0 && mails > 0, $"{writes} page writes, {mails} messages");
        var stored = await portal.ReadAsync(db => Task.FromResult(db.MailItems.Count(i => !changed.Contains(i.MailboxId))));
        Assert.Equal(mails, stored);
    }

    [Fact, Trait("Category", "Long")]   // a time, so not in the quick run
    public async Task Beside_full_mail_95_of_100_page_writes_are_done_within_50_ms()
    {
        await using var portal = await PortalHost.StartAsync(DatabaseKind.Sqlite);
        var (recipients, changed) = await FillAsync(portal);

        await MeasureAsync(portal, recipients, changed, WarmUp);
        // The machine has other things to do as well: one good measuring of three shows that the gate keeps its promise.
        for (var measuring = 1; ; measuring++)
        {
            var (p95, writes, mails) = await MeasureAsync(portal, recipients, changed, Measured);
            var told = $"{mails / Measured.TotalSeconds:F0} messages a second, {writes} page writes, p95 {p95.TotalMilliseconds:F1} ms";
            TestContext.Current.TestOutputHelper?.WriteLine(told);
            Assert.True(writes > 50 && mails > 200, told);
            if (p95 <= Promised) return;
            Assert.True(measuring < MaxMeasurings, told);
        }
    }

    private static async Task<(List<string> Recipients, List<Guid> Changed)> FillAsync(PortalHost portal)
    {
        var recipients = new List<string>();
        for (var i = 0; i < Connections; i++) recipients.Add($"r{i}@portal.test");
        foreach (var recipient in recipients) await portal.AddMailboxAsync(recipient);
        var changed = new List<Guid>();
        for (var i = 0; i < People; i++) changed.Add((await portal.AddMailboxAsync($"p{i}@portal.test")).MailboxId);
        return (recipients, changed);
    }

    private static async Task<(TimeSpan P95, int Writes, int Mails)> MeasureAsync(PortalHost portal, List<string> recipients, List<Guid> mailboxes, TimeSpan time)
    {
        using var over = new CancellationTokenSource(time);
        var mail = recipients.ConvertAll(r => Task.Run(() => SendAsync(portal, r, over.Token)));
        var pages = mailboxes.ConvertAll(m => Task.Run(() => WriteAsync(portal, m, over.Token)));
        var took = (await Task.WhenAll(pages)).SelectMany(t => t).Order().ToList();
        var mails = (await Task.WhenAll(mail)).Sum();
        return (took[(int)Math.Ceiling(took.Count * 0.95) - 1], took.Count, mails);
    }

    /// <summary>Mail as fast as the server takes it; how many messages were acknowledged.</summary>
    private static async Task<int> SendAsync(PortalHost portal, string recipient, CancellationToken over)
    {
        using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);
        var taken = 0;
        while (!over.IsCancellationRequested)
        {
            var reply = await talk.SendAsync("bob@elsewhere.example", [recipient], Content);
            Assert.True(reply.StartsWith("250", StringComparison.Ordinal), reply);
            taken++;
        }

        return taken;
    }

    /// <summary>Somebody who changes a quota every now and then, quicker than people are; how long each change took.</summary>
    private static async Task<List<TimeSpan>> WriteAsync(PortalHost portal, Guid mailbox, CancellationToken over)
    {
        var service = portal.Get<MailboxService>();
        var took = new List<TimeSpan>();
        var version = await portal.ReadAsync(db => db.Mailboxes.Where(m => m.Id == mailbox).Select(m => m.Version).SingleAsync());   // an earlier measuring has changed it too
        using var pace = new PeriodicTimer(Pace);
        while (!over.IsCancellationRequested && await pace.WaitForNextTickAsync(CancellationToken.None))
        {
            var begun = Stopwatch.GetTimestamp();
            var outcome = await service.SetQuotaAsync(Actor.Operator(), mailbox, version++, 1_000_000_000 + took.Count, CancellationToken.None);
            took.Add(Stopwatch.GetElapsedTime(begun));
            Assert.True(outcome.IsDone, outcome.Refusal?.Key);
        }

        return took;
    }
}
