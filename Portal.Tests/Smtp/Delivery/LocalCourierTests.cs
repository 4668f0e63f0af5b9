using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Delivery;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>What goes through the queue and stays here: copies whose sender wants a receipt, and addresses that stand for many.</summary>
public sealed class LocalCourierTests
{
    private const string Alice = "alice@portal.test";
    private const string Bob = "bob@portal.test";
    private const DsnNotify All = DsnNotify.Success | DsnNotify.Failure | DsnNotify.Delay;

    [Theory, BothDatabases]
    public async Task A_sender_here_gets_one_receipt_for_all_addresses_and_the_mailbox_one_copy(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        await AddAliasAsync(bench, "robert", Bob);

        var id = await ReceiveAsync(bench, Alice, All, Bob, "robert@portal.test");
        Assert.Empty(await bench.InboxAsync(Bob));
        Assert.All(await bench.QueueAsync(), e => Assert.Equal((QueueKind.Local, QueueEntry.LocalRouteKey), (e.Kind, e.RouteKey)));
        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.EndsWith(DeliveryBench.Text, Assert.Single(await bench.InboxAsync(Bob)), StringComparison.Ordinal);
        var receipt = Assert.Single(await bench.InboxAsync(Alice));
        Assert.StartsWith("Return-Path: <>\r\n", receipt, StringComparison.Ordinal);
        Assert.Contains("Original-Envelope-Id: QQ1\r\n", receipt, StringComparison.Ordinal);
        foreach (var address in new[] { Bob, "robert@portal.test" }) Assert.Contains($"Final-Recipient: rfc822; {address}\r\nAction: delivered\r\nStatus: 2.0.0\r\n", receipt, StringComparison.Ordinal);
        Assert.DoesNotContain(".hello", receipt, StringComparison.Ordinal);   // RFC 3461 §4.3: RET=FULL is for failures
        Assert.All(await RowsAsync(bench, id), r => Assert.Equal((RecipientOutcome.Delivered, "attempt.stored"), (r.Outcome, r.Rule)));
        Assert.Equal(["attempt.stored", "attempt.stored", "dsn.sent"], await FactsAsync(bench, id));
    }

    [Theory, BothDatabases]
    public async Task A_sender_elsewhere_gets_its_receipt_through_the_queue(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        bench.Dns.MailTo("sender.example", "127.0.0.2");

        await ReceiveAsync(bench, "dave@sender.example", DsnNotify.Success, Bob);
        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Single(await bench.InboxAsync(Bob));
        var receipt = Assert.Single(bench.Peer.Mails);
        Assert.StartsWith("MAIL FROM:<> ", receipt.Mail, StringComparison.Ordinal);
        Assert.Equal("RCPT TO:<dave@sender.example> NOTIFY=NEVER", Assert.Single(receipt.Recipients));
        Assert.Contains("Action: delivered\r\n", receipt.Text, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_stranger_who_asks_for_a_flood_of_receipts_gets_some_and_all_mail_arrives(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        for (var i = 0; i < ReceiptAllowance.Hourly + 5; i++) await ReceiveAsync(bench, "victim@sender.example", DsnNotify.Success, Bob);

        Assert.Equal(ReceiptAllowance.Hourly, (await bench.QueueAsync()).Count);
        Assert.Equal(5, (await bench.InboxAsync(Bob)).Count);

        bench.Database.Clock.Advance(TimeSpan.FromHours(1));
        await ReceiveAsync(bench, "victim@sender.example", DsnNotify.Success, Bob);
        Assert.Equal(ReceiptAllowance.Hourly + 1, (await bench.QueueAsync()).Count);
    }

    [Theory, BothDatabases]
    public async Task The_null_reverse_path_and_who_asks_for_none_get_no_receipt_and_no_queue(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);

        await ReceiveAsync(bench, "", All, Bob);
        await ReceiveAsync(bench, Alice, DsnNotify.Failure, Bob);

        Assert.Empty(await bench.QueueAsync());
        Assert.Equal(2, (await bench.InboxAsync(Bob)).Count);
        Assert.Empty(await bench.InboxAsync(Alice));
    }

    [Theory, BothDatabases]
    public async Task A_mailbox_deleted_since_it_was_accepted_is_told_as_a_failure(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        var id = await ReceiveAsync(bench, Alice, All, Bob);
        Assert.True((await bench.Database.Get<MailboxService>().DeleteAsync(Actor.Operator(), await MailboxAsync(bench, Bob), CancellationToken.None)).IsDone);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Empty(await bench.InboxAsync(Bob));
        Assert.Contains("Action: failed\r\nStatus: 5.2.1\r\nDiagnostic-Code: x-portal; 550 5.2.1 Mailbox is disabled\r\n", Assert.Single(await bench.InboxAsync(Alice)), StringComparison.Ordinal);
        var row = Assert.Single(await RowsAsync(bench, id));
        Assert.Equal((RecipientOutcome.Failed, "attempt.failedHere"), (row.Outcome, row.Rule));
    }

    [Theory, BothDatabases]
    public async Task A_mailbox_that_has_filled_up_since_still_takes_what_was_accepted(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        await ReceiveAsync(bench, Alice, All, Bob);
        await bench.Database.Get<MailboxService>().SetQuotaAsync(Actor.Operator(), await MailboxAsync(bench, Bob), 0, 1, CancellationToken.None);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Single(await bench.InboxAsync(Bob));
    }

    [Theory, BothDatabases]
    public async Task A_postmaster_without_a_domain_is_found_again(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        await bench.Database.AddMailboxAsync("admin@portal.test", roles: Role.Administrator);

        await ReceiveAsync(bench, Alice, DsnNotify.Success, "postmaster");
        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Single(await bench.InboxAsync("admin@portal.test"));
        Assert.Equal(["delivered"], (await bench.InboxAsync(Alice)).SelectMany(ActionsOf));
    }

    [Theory, BothDatabases]
    public async Task An_address_for_two_is_told_as_expanded_and_its_target_outside_asked_for_no_success(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        await AddForwarderAsync(bench, "sales", [Bob, "partner@example.org"]);

        var id = await ReceiveAsync(bench, Alice, All, "sales@portal.test");
        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Single(await bench.InboxAsync(Bob));
        Assert.Equal("RCPT TO:<partner@example.org> NOTIFY=FAILURE,DELAY", Assert.Single(Assert.Single(bench.Peer.Mails).Recipients));
        Assert.Contains("Final-Recipient: rfc822; sales@portal.test\r\nAction: expanded\r\n", Assert.Single(await bench.InboxAsync(Alice)), StringComparison.Ordinal);
        Assert.Equal(
            [("sales@portal.test", RecipientOutcome.Delivered, "attempt.expanded"), ("partner@example.org", RecipientOutcome.Relayed, "attempt.delivered")],
            (await RowsAsync(bench, id)).Select(r => (r.Recipient, r.Outcome, r.Rule!)));
    }

    [Theory, BothDatabases]
    public async Task An_address_for_one_outside_passes_on_what_was_asked(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        await AddForwarderAsync(bench, "away", ["partner@example.org"]);

        await ReceiveAsync(bench, Alice, DsnNotify.Success, "away@portal.test");
        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Equal("RCPT TO:<partner@example.org> NOTIFY=SUCCESS", Assert.Single(Assert.Single(bench.Peer.Mails).Recipients));
        Assert.Empty(await bench.InboxAsync(Alice));
    }

    [Theory, BothDatabases]
    public async Task An_address_for_250_reaches_every_mailbox_and_every_target_outside_once(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        var inside = Enumerable.Range(0, 205).Select(i => $"u{i}@portal.test").ToArray();
        foreach (var address in inside) await bench.Database.AddMailboxAsync(address);
        var outside = Enumerable.Range(0, 45).Select(i => $"x{i}@example.org").ToArray();
        await AddForwarderAsync(bench, "a", [.. inside[..100]]);
        await AddForwarderAsync(bench, "b", [.. inside[100..200]]);
        await AddForwarderAsync(bench, "c", [.. inside[200..], .. outside]);
        await AddForwarderAsync(bench, "all", ["a@portal.test", "b@portal.test", "c@portal.test", inside[0]]);

        var id = await ReceiveAsync(bench, Alice, DsnNotify.Default, "all@portal.test", inside[1], outside[2]);
        Assert.Equal([QueueKind.Expand, QueueKind.Relay], (await bench.QueueAsync()).Select(e => e.Kind));
        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        var copies = await bench.Database.ReadAsync(db => (from item in db.MailItems join message in db.Messages on item.MessageId equals message.Id where message.QueueId == id select item.MailboxId).ToListAsync());
        Assert.Equal((205, 205), (copies.Count, copies.Distinct().Count()));
        var asked = bench.Peer.Mails.SelectMany(m => m.Recipients).Select(r => r.Split('<', '>')[1]).ToList();
        Assert.Equal(outside.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
        Assert.Empty(await bench.InboxAsync(Alice));
        var rows = await RowsAsync(bench, id);
        Assert.Equal((47, 47), (rows.Count, rows.Select(r => r.Recipient).Distinct().Count()));
        Assert.Equal("attempt.expanded", rows[0].Rule);
        Assert.Equal(205, await bench.Database.ReadAsync(db => db.MailboxUses.SumAsync(u => u.Items)));
    }

    [Theory, BothDatabases]
    public async Task Who_has_lost_the_claim_places_nothing(DatabaseKind kind)
    {
        await using var bench = await PrepareAsync(kind);
        await AddForwarderAsync(bench, "sales", [Bob, "partner@example.org"]);
        await ReceiveAsync(bench, Alice, All, "sales@portal.test", Bob);
        var claimed = await bench.Database.Get<MailQueue>().ClaimAsync(QueueEntry.LocalRouteKey, 20, CancellationToken.None);
        Assert.Equal(2, claimed.Count);
        await bench.Database.WriteAsync(db =>
        {
            foreach (var entry in db.QueueEntries.ToList()) (entry.State, entry.Owner) = (QueueState.Due, null);   // its process is taken for dead
        });

        await using var line = new CourierLine(bench.Database.Get<Dialler>(), 1);
        await bench.Database.Get<Courier>().DeliverAsync(claimed, line, CancellationToken.None, CancellationToken.None);
        Assert.Empty(await bench.InboxAsync(Bob));
        Assert.Equal(2, (await bench.QueueAsync()).Count);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();
        Assert.Single(await bench.InboxAsync(Bob));
        Assert.Single(bench.Peer.Mails);
        Assert.Equal(["delivered", "expanded"], (await bench.InboxAsync(Alice)).SelectMany(ActionsOf).Order());
    }

    [Fact]
    public async Task A_receipt_that_cannot_be_made_holds_up_the_mail_for_three_tries_only()
    {
        await using var bench = await PrepareAsync(DatabaseKind.Sqlite);
        await ReceiveAsync(bench, Alice, All, Bob);
        bench.Database.Get<MailWriter>().Fault = (point, batch) =>
        {
            if (point == CommitPoint.BeforeCommit && batch.Any(a => a.Precondition is not null)) throw new InvalidOperationException("injected");
        };

        await bench.RunAsync();
        for (var attempt = 1; attempt < 3; attempt++)
        {
            var entry = await bench.DeferredAsync(attempt);
            Assert.Empty(await bench.InboxAsync(Bob));
            bench.MoveTo(entry.NextAttemptAt);
        }

        await bench.QueueIsEmptyAsync();
        Assert.Single(await bench.InboxAsync(Bob));
        Assert.Empty(await bench.InboxAsync(Alice));
        var tries = await bench.Database.ReadAsync(db => db.TraceEvents.Where(e => e.Kind == TraceEventKind.Attempt).OrderBy(e => e.At).Select(e => e.Facts).ToListAsync());
        Assert.Equal(["attempt.deferredHere", "attempt.deferredHere", "attempt.stored"], tries.SelectMany(TraceFacts.Read).Select(f => f.Rule));
    }

    private static IEnumerable<string> ActionsOf(string dsn) =>
        dsn.Split("\r\n").Where(l => l.StartsWith("Action: ", StringComparison.Ordinal)).Select(l => l["Action: ".Length..]);

    /// <summary>The bench with bob beside alice; the runner does not run yet.</summary>
    private static async Task<DeliveryBench> PrepareAsync(DatabaseKind kind)
    {
        var bench = await DeliveryBench.PrepareAsync(kind);
        await bench.Database.AddMailboxAsync(Bob);
        return bench;
    }

    /// <summary>Takes a message as the session would, with RET=FULL and an ENVID; alice submits, all others come by the MX port.</summary>
    private static async Task<Guid> ReceiveAsync(DeliveryBench bench, string from, DsnNotify notify, params string[] to)
    {
        await bench.StartWriterAsync();
        var account = from == Alice ? await bench.Database.ReadAsync(db => db.Accounts.Where(a => a.UserName == Alice).Select(a => (Guid?)a.Id).SingleAsync()) : null;
        var origin = new Origin(account is null ? TraceSource.Mx : TraceSource.Submission, IPAddress.Loopback, "client.example.org") { AccountId = account };
        var path = from.Length == 0 ? SmtpPath.Null : new SmtpPath(from.Split('@')[0], from.Split('@')[1]);
        var envelope = new Envelope(Guid.CreateVersion7(), path, bench.Clock.GetTimestamp()) { Return = DsnReturn.Full, EnvelopeId = "QQ1" };
        foreach (var recipient in to)
        {
            var forwardPath = recipient.Split('@') is [var local, var domain] ? new SmtpPath(local, domain) : new SmtpPath(recipient, "");
            var judged = await bench.Database.Get<RecipientJudge>().JudgeAsync(forwardPath, 0, mayRelay: true, CancellationToken.None);
            envelope.Recipients.Add(judged.Recipient! with { Notify = notify });
        }

        var receiver = bench.Database.Get<MessageReceiver>();
        using var message = receiver.Begin(origin, envelope);
        await message.AppendAsync(Encoding.ASCII.GetBytes(DeliveryBench.Text));
        Assert.Equal(SmtpReply.Queued(envelope.QueueId), await receiver.ReceiveAsync(origin, envelope, message));
        return envelope.QueueId;
    }

    private static Task<Guid> MailboxAsync(DeliveryBench bench, string address) => bench.Database.ReadAsync(db => db.Mailboxes.Where(m => m.PrimaryAddress == address).Select(m => m.Id).SingleAsync());

    private static Task<List<TraceRecipient>> RowsAsync(DeliveryBench bench, Guid queueId) =>
        bench.Database.ReadAsync(db => db.TraceRecipients.AsNoTracking().Where(r => r.QueueId == queueId).OrderBy(r => r.Index).ToListAsync());

    private static async Task<List<string>> FactsAsync(DeliveryBench bench, Guid queueId)
    {
        var attempt = await bench.Database.ReadAsync(db => db.TraceEvents.SingleAsync(e => e.QueueId == queueId && e.Kind == TraceEventKind.Attempt));
        return [.. TraceFacts.Read(attempt.Facts).Select(f => f.Rule)];
    }

    private static async Task AddAliasAsync(DeliveryBench bench, string localPart, string mailbox)
    {
        var (domain, id) = (await DomainAsync(bench), await MailboxAsync(bench, mailbox));
        await bench.Database.WriteAsync(db =>
        {
            db.Addresses.Add(new Address { DomainId = domain, LocalPart = localPart, Display = localPart, MailboxId = id });
            db.Raise(Change.Directory);
        });
    }

    private static async Task AddForwarderAsync(DeliveryBench bench, string localPart, string[] targets)
    {
        var domain = await DomainAsync(bench);
        await bench.Database.WriteAsync(db =>
        {
            var forwarder = new Forwarder { DomainId = domain };
            forwarder.Targets.AddRange(targets.Select(t => new ForwarderTarget { ForwarderId = forwarder.Id, Address = t }));
            db.Forwarders.Add(forwarder);
            db.Addresses.Add(new Address { DomainId = domain, LocalPart = localPart, Display = localPart, ForwarderId = forwarder.Id });
            db.Raise(Change.Directory);
        });
    }

    private static Task<Guid> DomainAsync(DeliveryBench bench) => bench.Database.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync());
}
