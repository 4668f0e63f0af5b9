using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>What leaves arrives as it came, over shared connections.</summary>
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
    public async Task Mail_that_an_address_of_ours_sends_on_leaves_under_a_path_of_ours_that_leads_back(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        const string Carol = "carol@stranger.example";

        await bench.SubmitAsync(Carol, [Bob], with: e => new QueueEntry
        {
            QueueId = e.QueueId,
            ReversePath = e.ReversePath,
            ForwardPath = e.ForwardPath,
            RouteKey = e.RouteKey,
            CreatedAt = e.CreatedAt,
            NextAttemptAt = e.NextAttemptAt,
            ExpiresAt = e.ExpiresAt,
            SizeBytes = e.SizeBytes,
            ForwardedBy = "sales@portal.test",
        });
        await bench.QueueIsEmptyAsync();

        var path = Assert.Single(bench.Peer.Mails).Mail.Split('<', '>')[1];
        Assert.Matches("^SRS0=[a-z2-7]{8}=[a-z2-7]{2}=stranger.example=carol@portal.test$", path);
        Assert.Equal(Carol, bench.Database.Get<SenderRewriting>().Open(MailAddress.Parse(path))?.ToString());
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
