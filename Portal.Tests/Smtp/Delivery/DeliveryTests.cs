using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

public sealed class DeliveryTests
{
    private const string Bob = "bob@example.org";
    private const string Alice = "alice@portal.test";

    [Theory, BothDatabases]
    public async Task A_message_reaches_its_MX_as_it_came_below_our_Received(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);

        var id = await bench.SubmitAsync(Alice, [Bob]);
        await bench.QueueIsEmptyAsync();

        var mail = Assert.Single(bench.Peer.Mails);
        Assert.Equal($"Received: by mx.portal.test id {id}; now\r\n{DeliveryBench.Text}", mail.Text);
        Assert.Equal(($"MAIL FROM:<{Alice}> SIZE={mail.Content.Length}", $"RCPT TO:<{Bob}>"), (mail.Mail, Assert.Single(mail.Recipients)));
        Assert.Equal(RecipientOutcome.Relayed, await bench.OutcomeAsync(id));
        var attempt = await bench.Database.ReadAsync(db => db.TraceEvents.SingleAsync(e => e.QueueId == id && e.Kind == TraceEventKind.Attempt));
        var fact = Assert.Single(TraceFacts.Read(attempt.Facts));
        Assert.Equal(("attempt.delivered", Bob, "250 2.0.0 Queued"), (fact.Rule, fact.Inputs["recipient"], fact.Inputs["reply"]));
    }

    [Theory, BothDatabases]
    public async Task Content_that_dots_cannot_carry_goes_octet_for_octet_in_chunks(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        var text = "Subject: odd\r\n\r\n.\r\n\0\xe9" + new string('x', 50_000) + "\r\nFrom here to the end without a break";

        await bench.SubmitAsync(Alice, [Bob], text);
        await bench.QueueIsEmptyAsync();

        Assert.EndsWith("; now\r\n" + text, Assert.Single(bench.Peer.Mails).Text, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_large_message_goes_out_of_the_blob_store_octet_for_octet(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        var text = new StringBuilder("Subject: large\r\n\r\n");
        for (var i = 0; i < 40_000; i++) text.Append(".line ").Append(i).Append("\r\n");

        await bench.SubmitAsync(Alice, [Bob], text.ToString());
        await bench.QueueIsEmptyAsync();

        Assert.EndsWith("; now\r\n" + text, Assert.Single(bench.Peer.Mails).Text, StringComparison.Ordinal);
    }

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

    [Theory]
    [InlineData(DatabaseKind.Sqlite, "null.example", "5.1.10")]
    [InlineData(DatabaseKind.Sqlite, "nowhere.example", "5.1.2")]
    [InlineData(DatabaseKind.Postgres, "null.example", "5.1.10")]
    [InlineData(DatabaseKind.Postgres, "nowhere.example", "5.1.2")]
    public async Task A_domain_that_takes_no_mail_fails_at_once(DatabaseKind kind, string domain, string status)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Dns.Mx("null.example", (0, ""));

        await bench.SubmitAsync(Alice, [$"bob@{domain}"]);
        await bench.QueueIsEmptyAsync();

        Assert.Contains($"Status: {status}\r\n", Assert.Single(await bench.InboxAsync(Alice)), StringComparison.Ordinal);
        Assert.Equal("attempt.noServer", await bench.Database.ReadAsync(db => db.TraceRecipients.Where(r => r.Outcome == RecipientOutcome.Failed).Select(r => r.Rule).SingleAsync()));
    }

    [Theory, BothDatabases]
    public async Task Mail_waits_for_a_DNS_that_gives_no_answer_and_for_a_server_that_is_not_there(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind, ("Portal:Delivery:Port", FreePort.Take().ToString(System.Globalization.CultureInfo.InvariantCulture)));
        bench.Dns.Fail("broken.example");

        await bench.SubmitAsync(Alice, ["bob@broken.example", Bob]);
        var queue = await bench.QueueBecomesAsync(q => q.Count == 2 && q.All(e => e is { State: QueueState.Due, Attempt: 1 }));

        Assert.Equal([DeferCause.Dns, DeferCause.Network], queue.Select(e => e.Cause));
        Assert.Equal(["attempt.noAnswer", "attempt.connectionRefused"], await bench.Database.ReadAsync(db => db.TraceRecipients.OrderBy(r => r.Index).Select(r => r.Rule).ToListAsync()));
        Assert.Equal(["attempt.noAnswer", "attempt.connectionRefused"], queue.Select(e => e.LastRule));
        Assert.Contains("connection refused", queue[1].LastReply, StringComparison.Ordinal);
        var group = (await bench.Database.Get<QueueService>().GroupsAsync(Actor.Operator(), QueueFilter.All, CancellationToken.None)).Value.Single(g => g.Cause == DeferCause.Network);
        Assert.Equal("attempt.connectionRefused", group.Rule);
    }

    [Theory, BothDatabases]
    public async Task A_route_whose_host_is_not_in_DNS_says_so_and_mail_waits(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        await bench.Database.WriteAsync(db =>
        {
            db.Routes.Add(new Route { Name = "r", Match = RouteMatch.All, Host = "gone.example", Port = 25, Tls = RouteTls.Opportunistic });
            db.Raise(Change.Directory);
        });

        await bench.SubmitAsync(Alice, [Bob]);
        var queue = await bench.QueueBecomesAsync(q => q is [{ State: QueueState.Due, Attempt: 1, LastRule: not null }]);

        Assert.Equal((DeferCause.Dns, "attempt.nameUnknown"), (queue[0].Cause, queue[0].LastRule));
    }

    [Theory, BothDatabases]
    public async Task Recipients_share_a_transaction_and_messages_a_connection(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        for (var i = 0; i < 5; i++) await bench.SubmitAsync(Alice, [Bob, "carol@example.org"]);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Equal(5, bench.Peer.Mails.Count);
        Assert.All(bench.Peer.Mails, m => Assert.Equal(2, m.Recipients.Count));
        Assert.Equal(1, bench.Peer.Connections);
    }

    [Theory, BothDatabases]
    public async Task Who_was_one_recipient_too_many_goes_in_the_next_transaction(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        var taken = 0;
        bench.Peer.OnRecipient = _ => ++taken is > 2 and <= 5 ? "452 4.5.3 Too many recipients" : null;

        await bench.SubmitAsync(Alice, [.. Enumerable.Range(0, 5).Select(i => $"r{i}@example.org")]);
        await bench.QueueIsEmptyAsync();

        Assert.Equal(["r0", "r1", "r2", "r3", "r4"], bench.Peer.Mails.SelectMany(m => m.Recipients).Select(r => r[9..11]).Order());
    }

    [Theory, BothDatabases]
    public async Task A_slow_destination_starves_nobody(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind, ("Portal:Delivery:MaxConnections", "3"), ("Portal:Delivery:MaxConnectionsPerDestination", "2"));
        bench.Dns.MailTo("slow.example", "127.0.0.3");
        var gate = new TaskCompletionSource();
        bench.Peer.OnConnect = address => address == "127.0.0.3" ? gate.Task : Task.CompletedTask;

        for (var i = 0; i < 100; i++) await bench.SubmitAsync(Alice, ["bob@slow.example"]);
        for (var i = 0; i < 30; i++) await bench.SubmitAsync(Alice, [Bob]);
        await bench.QueueBecomesAsync(q => q.TrueForAll(e => e.RouteKey == "slow.example"));

        Assert.Equal(30, bench.Peer.Mails.Count);
        gate.SetResult();
        await bench.QueueIsEmptyAsync();
    }

    [Theory, BothDatabases]
    public async Task A_destination_behind_more_route_keys_than_a_look_walks_gets_its_mail(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        bench.Dns.MailTo("zz.example");
        await bench.Database.FillQueueAsync(1_000, routeKeys: 2 * MailQueue.MaxKeysPerLook + 50, firstDueInHours: 1);
        await bench.SubmitAsync(Alice, ["bob@zz.example"]);

        await bench.RunAsync();
        await bench.QueueBecomesAsync(q => q.TrueForAll(e => e.RouteKey != "zz.example"));

        Assert.Equal(["RCPT TO:<bob@zz.example>"], Assert.Single(bench.Peer.Mails).Recipients);
    }

    [Theory, BothDatabases]
    public async Task A_poisoned_message_waits_and_the_others_flow(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var poisoned = await bench.SubmitAsync(Alice, [Bob]);
        var sound = await bench.SubmitAsync(Alice, [Bob]);
        await bench.Database.WriteAsync(db => db.Database.ExecuteSqlRaw("""UPDATE "Content" SET "IsCompressed" = {0}, "Inline" = {1} WHERE "MessageId" = (SELECT MIN("Id") FROM "Message")""", true, new byte[] { 1, 2, 3 }));

        await bench.RunAsync();
        var entry = await bench.DeferredAsync(1);

        Assert.Equal((poisoned, DeferCause.LocalFault), (entry.QueueId, entry.Cause));
        Assert.Equal(RecipientOutcome.Relayed, await bench.OutcomeAsync(sound));
        Assert.Single(bench.Peer.Mails);   // nothing of the broken one was taken for a message
    }

    [Theory, BothDatabases]
    public async Task An_outcome_that_the_database_refuses_is_written_without_its_words(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Peer.OnRecipient = r => r.Contains("bob", StringComparison.Ordinal) ? "451 4.7.1 Poison" : null;
        await bench.Database.WriteAsync(db => db.Database.ExecuteSqlRaw(kind == DatabaseKind.Sqlite
            ? """CREATE TRIGGER "Refuse" BEFORE UPDATE ON "QueueEntry" WHEN NEW."LastReply" LIKE '%Poison%' BEGIN SELECT RAISE(ABORT, 'no'); END"""
            : """
              CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
              CREATE TRIGGER "Refuse" BEFORE UPDATE ON "QueueEntry" FOR EACH ROW WHEN (NEW."LastReply" LIKE '%Poison%') EXECUTE FUNCTION refuse();
              """));

        await bench.SubmitAsync(Alice, [Bob, "carol@example.org"]);
        var entry = await bench.DeferredAsync(1);

        Assert.Equal((Bob, DeferCause.LocalFault, $"451 4.3.0 Local error ({(kind == DatabaseKind.Sqlite ? "SqliteException" : "PostgresException")})"), (entry.ForwardPath, entry.Cause, entry.LastReply));
        Assert.Single(bench.Peer.Mails);   // carol has it and gets it once
    }

    [Theory, BothDatabases]
    public async Task A_DSN_that_cannot_be_made_costs_nothing_that_the_peers_have_said(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        bench.Peer.OnRecipient = r => r.Contains("bob", StringComparison.Ordinal) ? "550 5.1.1 No such user" : null;
        var id = await bench.SubmitAsync("dave@sender.example", [Bob, "carol@example.org"]);
        await bench.Database.WriteAsync(db => db.Database.ExecuteSqlRaw("""ALTER TABLE "Domain" RENAME TO "Gone" """));   // nobody can say who dave is

        await bench.RunAsync();
        var entry = await bench.DeferredAsync(1);

        Assert.Equal((Bob, DeferCause.LocalFault, "550 5.1.1 No such user"), (entry.ForwardPath, entry.Cause, entry.LastReply));
        var outcomes = await bench.Database.ReadAsync(db => db.TraceRecipients.Where(r => r.QueueId == id).OrderBy(r => r.Index).Select(r => r.Outcome).ToListAsync());
        Assert.Equal([RecipientOutcome.Deferred, RecipientOutcome.Relayed], outcomes);
        Assert.Single(bench.Peer.Mails);
    }

    [Theory, BothDatabases]
    public async Task A_fault_of_ours_keeps_no_entry_past_its_end_and_its_sender_is_told(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var id = await bench.SubmitAsync(Alice, [Bob]);
        await bench.Database.WriteAsync(db => db.QueueEntries.Single().ExpiresAt = bench.Clock.GetUtcNow());
        await bench.Database.WriteAsync(db => db.Database.ExecuteSqlRaw("""ALTER TABLE "Route" RENAME TO "Gone" """));   // nobody can say where it goes

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Equal(RecipientOutcome.Expired, await bench.OutcomeAsync(id));
        Assert.Contains("Action: failed\r\nStatus: 4.4.7\r\n", Assert.Single(await bench.InboxAsync(Alice)), StringComparison.Ordinal);
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
    public async Task A_stop_gives_back_what_is_on_its_way(DatabaseKind kind)
    {
        // Only the stop ends this try: the timeouts are far beyond its grace.
        await using var bench = await DeliveryBench.StartAsync(kind, ("Portal:Delivery:GreetingTimeout", "01:00:00"), ("Portal:Delivery:AttemptTimeout", "06:00:00"));
        var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bench.Peer.OnConnect = _ =>
        {
            called.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        await bench.SubmitAsync(Alice, [Bob]);
        await called.Task;

        var stopping = bench.StopRunnerAsync();
        while (!stopping.IsCompleted)
        {
            bench.Clock.Advance(TimeSpan.FromMilliseconds(100));   // until the grace is over
            await bench.QueueAsync();
        }

        await stopping;

        var entry = Assert.Single(await bench.QueueAsync());
        Assert.Equal((QueueState.Due, null, 0), (entry.State, entry.Owner, entry.Attempt));
    }

    [Theory, BothDatabases]
    public async Task A_new_route_takes_also_what_was_queued_before_it(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        await bench.SubmitAsync(Alice, ["bob@elsewhere.example"]);
        var made = await bench.Database.Get<RouteService>().CreateAsync(
            Actor.Operator(), new RouteDraft { Name = "out", Host = "127.0.0.4", Port = bench.Peer.Port, Tls = RouteTls.None }, CancellationToken.None);
        Assert.True(made.IsDone);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Equal("127.0.0.4", Assert.Single(bench.Peer.Mails).Address);
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

    [Theory, BothDatabases]
    public async Task Retry_makes_an_entry_due_at_once(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        var refuse = true;
        bench.Peer.OnRecipient = _ => refuse ? "451 4.3.0 Later" : null;
        await bench.SubmitAsync(Alice, [Bob]);
        await bench.DeferredAsync(1);

        refuse = false;
        await bench.Database.Get<QueueService>().RetryAsync(Actor.Operator(), QueueSelection.Matching(new QueueFilter { Recipient = "BOB@example.org" }), CancellationToken.None);
        await bench.QueueIsEmptyAsync();

        Assert.Single(bench.Peer.Mails);
    }
}
