using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>Destinations that refuse, are slow or away, and faults of our own: the rest flows on.</summary>
public sealed class DeliveryTroubleTests
{
    private const string Bob = "bob@example.org";
    private const string Alice = "alice@portal.test";

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
}
