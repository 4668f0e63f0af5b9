using Microsoft.EntityFrameworkCore;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>Who is told of failure, delay and success, and who is not (RFC 3461, RFC 3464).</summary>
public sealed class DeliveryReportTests
{
    private const string Bob = "bob@example.org";
    private const string Alice = "alice@portal.test";

    [Theory, BothDatabases]
    public async Task A_refused_recipient_fails_and_the_sender_is_told_in_the_same_commit(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Peer.OnRecipient = r => r.Contains("bob", StringComparison.Ordinal) ? "550 5.1.1 No such user" : null;

        var id = await bench.SubmitAsync(Alice, [Bob, "carol@example.org"]);
        await bench.QueueIsEmptyAsync();

        Assert.Equal("RCPT TO:<carol@example.org>", Assert.Single(Assert.Single(bench.Peer.Mails).Recipients));
        var dsn = Assert.Single(await bench.InboxAsync(Alice));
        Assert.StartsWith("Return-Path: <>\r\n", dsn, StringComparison.Ordinal);
        Assert.Contains("Final-Recipient: rfc822; bob@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user\r\n", dsn, StringComparison.Ordinal);
        Assert.Contains("Subject: hello\r\n", dsn, StringComparison.Ordinal);
        Assert.DoesNotContain("carol", dsn.Replace("To: bob@example.org", "", StringComparison.Ordinal), StringComparison.Ordinal);
        var outcomes = await bench.Database.ReadAsync(db => db.TraceRecipients.Where(r => r.QueueId == id).OrderBy(r => r.Index).Select(r => r.Outcome).ToListAsync());
        Assert.Equal([RecipientOutcome.Failed, RecipientOutcome.Relayed], outcomes);
        Assert.Equal(1, await bench.Database.ReadAsync(db => db.Traces.CountAsync(t => t.Source == TraceSource.Dsn)));
    }

    [Theory, BothDatabases]
    public async Task A_failure_whose_sender_is_no_more_says_in_the_trace_that_nobody_was_told(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        bench.Peer.OnRecipient = _ => "550 5.1.1 No such user";
        var id = await bench.SubmitAsync(Alice, [Bob]);
        var alice = await bench.Database.ReadAsync(db => db.Mailboxes.Where(m => m.PrimaryAddress == Alice).Select(m => m.Id).SingleAsync());
        Assert.True((await bench.Database.Get<MailboxService>().DisableAsync(Actor.Operator(), alice, CancellationToken.None)).IsDone);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Equal(RecipientOutcome.Failed, await bench.OutcomeAsync(id));
        var facts = TraceFacts.Read(await bench.Database.ReadAsync(db => db.TraceEvents.Where(e => e.QueueId == id).Select(e => e.Facts).SingleAsync()));
        Assert.Equal([("attempt.failed", Bob), ("dsn.nobody", Alice)], facts.Select(f => (f.Rule, f.Inputs.GetValueOrDefault("recipient") ?? f.Inputs["to"])));
        Assert.Empty(await bench.InboxAsync(Alice));
    }

    [Theory, BothDatabases]
    public async Task A_DSN_never_answers_a_DSN(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Peer.OnRecipient = _ => "550 5.1.1 No such user";

        await bench.SubmitAsync("", [Bob]);
        await bench.QueueIsEmptyAsync();

        Assert.Equal(1, await bench.Database.ReadAsync(db => db.Messages.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_sender_elsewhere_is_told_through_the_queue_with_the_null_reverse_path(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Dns.MailTo("sender.example", "127.0.0.2");
        bench.Peer.OnRecipient = r => r.Contains("bob", StringComparison.Ordinal) ? "550 5.1.1 No such user" : null;

        await bench.SubmitAsync("dave@sender.example", [Bob]);
        await bench.QueueIsEmptyAsync();

        var dsn = Assert.Single(bench.Peer.Mails);
        Assert.StartsWith("MAIL FROM:<>", dsn.Mail, StringComparison.Ordinal);
        Assert.Equal("RCPT TO:<dave@sender.example> NOTIFY=NEVER", Assert.Single(dsn.Recipients));
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, DsnNotify.Never, 0)]
    [InlineData(DatabaseKind.Sqlite, DsnNotify.Success, 0)]
    [InlineData(DatabaseKind.Sqlite, DsnNotify.Delay, 0)]
    [InlineData(DatabaseKind.Sqlite, DsnNotify.Failure, 1)]
    [InlineData(DatabaseKind.Sqlite, DsnNotify.Default, 1)]
    [InlineData(DatabaseKind.Postgres, DsnNotify.Never, 0)]
    [InlineData(DatabaseKind.Postgres, DsnNotify.Default, 1)]
    public async Task NOTIFY_says_whether_a_failure_is_told(DatabaseKind kind, DsnNotify notify, int told)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Peer.OnRecipient = _ => "550 5.1.1 No such user";

        await bench.SubmitAsync(Alice, [Bob], with: e => DeliveryBench.EntryOf(e.QueueId, e.ReversePath, e.ForwardPath, e.SizeBytes, e.CreatedAt, notify));
        await bench.QueueIsEmptyAsync();

        Assert.Equal(told, (await bench.InboxAsync(Alice)).Count);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, true, 0)]
    [InlineData(DatabaseKind.Sqlite, false, 1)]
    [InlineData(DatabaseKind.Postgres, true, 0)]
    [InlineData(DatabaseKind.Postgres, false, 1)]
    public async Task A_success_is_told_by_us_only_where_the_peer_will_not(DatabaseKind kind, bool peerKnowsDsn, int told)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        if (!peerKnowsDsn) bench.Peer.Extensions = ["PIPELINING"];

        await bench.SubmitAsync(Alice, [Bob], with: e => DeliveryBench.EntryOf(e.QueueId, e.ReversePath, e.ForwardPath, e.SizeBytes, e.CreatedAt, DsnNotify.Success));
        await bench.QueueIsEmptyAsync();

        var inbox = await bench.InboxAsync(Alice);
        Assert.Equal(told, inbox.Count);
        Assert.All(inbox, dsn => Assert.Contains("Action: relayed\r\nStatus: 2.0.0\r\n", dsn, StringComparison.Ordinal));
    }

    [Theory, BothDatabases]
    public async Task A_deferral_waits_longer_each_time_tells_once_that_it_is_late_and_gives_up_after_five_days(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Peer.OnRecipient = _ => "451 4.7.1 Greylisted, come back";

        await bench.SubmitAsync(Alice, [Bob]);
        var entry = await bench.DeferredAsync(1);
        Assert.Equal((DeferCause.Greylisted, "451 4.7.1 Greylisted, come back"), (entry.Cause, entry.LastReply));
        Assert.InRange(entry.NextAttemptAt - bench.Clock.GetUtcNow(), TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(6));

        var attempts = 1;
        while (bench.Clock.GetUtcNow() - TestDatabase.Start < TimeSpan.FromHours(4))
        {
            bench.MoveTo(entry.NextAttemptAt);
            entry = await bench.DeferredAsync(++attempts);
        }

        var late = Assert.Single(await bench.InboxAsync(Alice));
        Assert.Contains("Action: delayed\r\nStatus: 4.7.1\r\n", late, StringComparison.Ordinal);
        Assert.Contains("Will-Retry-Until: Sun, 29 Nov 2026 09:00:00 +0000\r\n", late, StringComparison.Ordinal);
        Assert.InRange(attempts, 5, 9);

        while (entry.NextAttemptAt < entry.ExpiresAt)
        {
            bench.MoveTo(entry.NextAttemptAt);
            entry = await bench.DeferredAsync(++attempts);
        }

        bench.MoveTo(entry.NextAttemptAt);
        await bench.QueueIsEmptyAsync();

        var inbox = await bench.InboxAsync(Alice);
        Assert.Equal(2, inbox.Count);
        Assert.Contains("Action: failed\r\nStatus: 4.4.7\r\n", inbox[1], StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_DSN_that_cannot_be_made_costs_nothing_that_the_peers_have_said(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        bench.Peer.OnRecipient = r => r.Contains("bob", StringComparison.Ordinal) ? "550 5.1.1 No such user" : null;
        var id = await bench.SubmitAsync("dave@sender.example", [Bob, "carol@example.org"]);
        bench.Peer.OnConnect = _ => bench.Database.WriteAsync(db => db.Database.ExecuteSqlRaw("""ALTER TABLE "Domain" RENAME TO "Gone" """));   // from then on nobody can say who dave is

        await bench.RunAsync();
        var entry = await bench.DeferredAsync(1);

        Assert.Equal((Bob, DeferCause.LocalFault, "550 5.1.1 No such user"), (entry.ForwardPath, entry.Cause, entry.LastReply));
        var outcomes = await bench.Database.ReadAsync(db => db.TraceRecipients.Where(r => r.QueueId == id).OrderBy(r => r.Index).Select(r => r.Outcome).ToListAsync());
        Assert.Equal([RecipientOutcome.Deferred, RecipientOutcome.Relayed], outcomes);
        Assert.Single(bench.Peer.Mails);
    }

    [Theory, BothDatabases]
    public async Task A_poisoned_message_past_its_end_waits_a_day_for_its_DSN_and_ends_without(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var id = await bench.SubmitAsync(Alice, [Bob]);
        await bench.Database.WriteAsync(db => db.Database.ExecuteSqlRaw("""UPDATE "Content" SET "IsCompressed" = {0}, "Inline" = {1}""", true, new byte[] { 1, 2, 3 }));
        await bench.Database.WriteAsync(db => db.QueueEntries.Single().ExpiresAt = bench.Clock.GetUtcNow());

        await bench.RunAsync();
        var entry = await bench.DeferredAsync(1);
        bench.MoveTo(entry.ExpiresAt.AddDays(1));
        await bench.QueueIsEmptyAsync();

        Assert.Equal(RecipientOutcome.Expired, await bench.OutcomeAsync(id));
        Assert.Empty(await bench.InboxAsync(Alice));
    }

    [Theory, BothDatabases]
    public async Task A_sender_whose_mailbox_is_full_is_told_all_the_same(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        bench.Peer.OnRecipient = _ => "550 5.1.1 No such user";
        var alice = await bench.Database.ReadAsync(db => db.Mailboxes.Where(m => m.PrimaryAddress == Alice).Select(m => m.Id).SingleAsync());
        Assert.True((await bench.Database.Get<MailboxService>().SetQuotaAsync(Actor.Operator(), alice, 0, 1_000, CancellationToken.None)).IsDone);
        await bench.Database.WriteAsync(db => db.MailboxUses.Single(u => u.MailboxId == alice).Bytes = 2_000);

        await bench.SubmitAsync(Alice, [Bob]);
        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Contains("Status: 5.1.1\r\n", Assert.Single(await bench.InboxAsync(Alice)), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task What_an_administrator_returns_is_told_to_its_sender_and_tried_no_more(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var id = await bench.SubmitAsync(Alice, [Bob]);
        var returned = await bench.Database.Get<QueueService>().DeleteAsync(Actor.Operator(), QueueSelection.Matching(QueueFilter.All), notifySender: true, CancellationToken.None);
        Assert.Equal(1, returned.Value.Rows);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Empty(bench.Peer.Mails);
        Assert.Equal(RecipientOutcome.Removed, await bench.OutcomeAsync(id));
        Assert.Contains("Status: 5.7.1\r\n", Assert.Single(await bench.InboxAsync(Alice)), StringComparison.Ordinal);
    }
}
