using Microsoft.EntityFrameworkCore;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Queue;

public sealed class MailQueueTests
{
    [Theory, BothDatabases]
    public async Task A_claim_takes_due_entries_of_one_route_key_and_counts_the_try(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("a@example.org", "b@example.org", "c@example.org");
        await database.QueueAsync("d@elsewhere.example");
        await database.QueueAsync(e => e.NextAttemptAt = e.NextAttemptAt.AddMinutes(1), "later@example.org");
        await database.QueueAsync(e => e.State = QueueState.Held, "held@example.org");

        var first = await database.Get<MailQueue>().ClaimAsync("example.org", 2, CancellationToken.None);
        var second = await database.Get<MailQueue>().ClaimAsync("example.org", 10, CancellationToken.None);

        Assert.Equal(["a@example.org", "b@example.org"], first.Select(e => e.ForwardPath));
        Assert.Equal(["c@example.org"], second.Select(e => e.ForwardPath));
        Assert.All(first.Concat(second), e => Assert.Equal((QueueState.Claimed, 1, database.Get<ThisNode>().Id), (e.State, e.Attempt, e.Owner)));
        Assert.Equal(["elsewhere.example"], (await database.Get<MailQueue>().DueAsync([], "", 10, CancellationToken.None)).Destinations.Select(d => d.RouteKey));
    }

    [Theory, BothDatabases]
    public async Task Mail_of_the_demo_is_never_claimed_but_to_be_returned(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync(isDemo: true, "shown@example.org", "returned@example.org");
        await database.QueueAsync("real@example.net");
        var returned = await database.ReadAsync(db => db.QueueEntries.Where(e => e.ForwardPath == "returned@example.org").Select(e => e.Id).SingleAsync());
        var (queue, people, operatorActor) = (database.Get<MailQueue>(), database.Get<QueueService>(), Actor.Operator());

        Assert.Equal(["example.net"], (await queue.DueAsync([], "", 10, CancellationToken.None)).Destinations.Select(d => d.RouteKey));
        Assert.True((await people.RetryAsync(operatorActor, QueueSelection.Matching(QueueFilter.All), CancellationToken.None)).IsDone);
        Assert.Empty(await queue.ClaimAsync("example.org", 10, CancellationToken.None));

        Assert.True((await people.DeleteAsync(operatorActor, QueueSelection.Of(returned), notifySender: true, CancellationToken.None)).IsDone);
        Assert.Equal(["example.net", "example.org"], (await queue.DueAsync([], "", 10, CancellationToken.None)).Destinations.Select(d => d.RouteKey).Order());
        Assert.Equal("returned@example.org", Assert.Single(await queue.ClaimAsync("example.org", 10, CancellationToken.None)).ForwardPath);
    }

    /// <summary>After a peer's outage: told from counted work, not from a clock.</summary>
    [Theory, BothDatabases]
    public async Task A_hundred_thousand_due_at_one_destination_hide_no_other_and_make_no_look_dearer(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync(e => e.NextAttemptAt = TestDatabase.Start.AddMinutes(-1), "a@first.example", "b@zuletzt.example");
        await database.FillQueueAsync(100_000, routeKeys: 1);
        await database.QueueAsync(e => e.NextAttemptAt = TestDatabase.Start.AddMinutes(1), "later@example.net");
        using var sql = new SqlRecorder(database);

        var look = await database.Get<MailQueue>().DueAsync([], "", 200, CancellationToken.None);

        Assert.Equal([("r0.example", 200), ("first.example", 1), ("zuletzt.example", 1)], look.Destinations.Select(d => (d.RouteKey, d.Count)));   // what waits longest first
        Assert.Null(look.Next);
        Assert.Equal(["first.example", "zuletzt.example"], (await database.Get<MailQueue>().DueAsync(["r0.example"], "", 200, CancellationToken.None)).Destinations.Select(d => d.RouteKey));
        Assert.All(await sql.WorkAsync(), w => Assert.InRange(w.Work, 1, kind == DatabaseKind.Sqlite ? 10_000 : 1_000));
    }

    [Theory, BothDatabases]
    public async Task Looks_go_on_where_the_last_one_stopped_until_each_key_was_seen(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.FillQueueAsync(100_000, routeKeys: 1_000);
        using var sql = new SqlRecorder(database);

        var seen = new List<DueDestination>();
        for (var next = ""; next is not null;)
        {
            var look = await database.Get<MailQueue>().DueAsync([], next, 20, CancellationToken.None);
            Assert.InRange(look.Destinations.Count, next.Length == 0 ? MailQueue.MaxKeysPerLook : 0, MailQueue.MaxKeysPerLook);
            seen.AddRange(look.Destinations);
            next = look.Next;
        }

        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"r{i}.example").Order(StringComparer.Ordinal), seen.Select(d => d.RouteKey).Order(StringComparer.Ordinal));
        Assert.All(seen, d => Assert.Equal(20, d.Count));
        Assert.All(await sql.WorkAsync(), w => Assert.InRange(w.Work, 1, kind == DatabaseKind.Sqlite ? 100_000 : 10_000));
    }

    [Theory, BothDatabases]
    public async Task Workers_that_claim_at_once_never_get_the_same_entry(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync([.. Enumerable.Range(0, 100).Select(i => $"r{i}@example.org")]);

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var mine = new List<long>();
            while (await database.Get<MailQueue>().ClaimAsync("example.org", 7, CancellationToken.None) is { Count: > 0 } claimed) mine.AddRange(claimed.Select(e => e.Id));
            return mine;
        })));

        var all = claims.SelectMany(c => c).ToList();
        Assert.Equal((100, 100), (all.Count, all.Distinct().Count()));
    }

    [Theory, BothDatabases]
    public async Task Outcomes_are_written_and_traced(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("done@example.org", "later@example.org", "never@example.org");
        var claimed = await database.Get<MailQueue>().ClaimAsync("example.org", 10, CancellationToken.None);
        var next = database.Clock.GetUtcNow().AddMinutes(5);

        await database.Get<MailQueue>().SettleAsync(
            new Attempt(
                claimed[0].QueueId,
                [
                    new Settlement(claimed[0], SettlementKind.Delivered) { Reply = "250 OK" },
                    new Settlement(claimed[1], SettlementKind.Deferred) { Cause = DeferCause.Greylisted, Reply = "451 Later", NextAttemptAt = next, SendsDelayNotice = true },
                    new Settlement(claimed[2], SettlementKind.Failed) { Reply = "550 No" },
                ],
                [new TraceFact("attempt.delivered", new Dictionary<string, string> { ["recipient"] = "done@example.org" })]),
            CancellationToken.None);

        var left = Assert.Single(await database.ReadAsync(db => db.QueueEntries.AsNoTracking().ToListAsync()));
        Assert.Equal(("later@example.org", QueueState.Due, null, next, DeferCause.Greylisted, "451 Later", true), (left.ForwardPath, left.State, left.Owner, left.NextAttemptAt, left.Cause, left.LastReply, left.DelayNoticeSent));
        var rows = await database.ReadAsync(db => db.TraceRecipients.OrderBy(r => r.Index).Select(r => r.Outcome).ToListAsync());
        Assert.Equal([RecipientOutcome.Relayed, RecipientOutcome.Deferred, RecipientOutcome.Failed], rows);
        Assert.Equal(1, await database.ReadAsync(db => db.TraceEvents.CountAsync(e => e.Kind == TraceEventKind.Attempt)));
    }

    [Theory, BothDatabases]
    public async Task Words_that_no_database_stores_are_cut_between_characters(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("long@example.org", "odd@example.org");
        var claimed = await database.Get<MailQueue>().ClaimAsync("example.org", 2, CancellationToken.None);

        await database.Get<MailQueue>().SettleAsync(
            new Attempt(
                claimed[0].QueueId,
                [
                    new Settlement(claimed[0], SettlementKind.Deferred) { Reply = new string('x', Settlement.MaxReplyLength - 1) + "😀" },
                    new Settlement(claimed[1], SettlementKind.Deferred) { Reply = "451 \0 and \ud83d" },
                ],
                []),
            CancellationToken.None);

        var replies = await database.ReadAsync(db => db.QueueEntries.OrderBy(e => e.Id).Select(e => e.LastReply).ToListAsync());
        Assert.Equal([new string('x', Settlement.MaxReplyLength - 1), "451 \ufffd and \ufffd"], replies);
    }

    [Theory, BothDatabases]
    public async Task An_outcome_counts_only_while_the_claim_does(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("a@example.org");
        var entry = Assert.Single(await database.Get<MailQueue>().ClaimAsync("example.org", 1, CancellationToken.None));
        Assert.True(await database.Get<MailQueue>().OwnsAsync([entry], CancellationToken.None));
        await database.WriteAsync(db => db.QueueEntries.Single().Claim++);   // somebody else's try by now

        Assert.False(await database.Get<MailQueue>().OwnsAsync([entry], CancellationToken.None));
        await database.Get<MailQueue>().SettleAsync(new Attempt(entry.QueueId, [new Settlement(entry, SettlementKind.Delivered)], [new TraceFact("attempt.delivered", new Dictionary<string, string>())]), CancellationToken.None);

        Assert.Single(await database.ReadAsync(db => db.QueueEntries.AsNoTracking().ToListAsync()));
        Assert.Equal(0, await database.ReadAsync(db => db.TraceEvents.CountAsync(e => e.Kind == TraceEventKind.Attempt)));
    }

    [Theory, BothDatabases]
    public async Task A_claim_given_back_and_taken_again_is_another_though_it_is_the_same_try(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("a@example.org");
        var queue = database.Get<MailQueue>();
        var old = Assert.Single(await queue.ClaimAsync("example.org", 1, CancellationToken.None));
        await queue.SettleAsync(new Attempt(old.QueueId, [new Settlement(old, SettlementKind.Released)], []), CancellationToken.None);
        var now = Assert.Single(await queue.ClaimAsync("example.org", 1, CancellationToken.None));
        Assert.Equal((old.Attempt, old.Owner), (now.Attempt, now.Owner));

        Assert.False(await queue.OwnsAsync([old], CancellationToken.None));
        foreach (var late in new[] { SettlementKind.Released, SettlementKind.Deferred, SettlementKind.Delivered })
            await queue.SettleAsync(new Attempt(old.QueueId, [new Settlement(old, late)], []), CancellationToken.None);

        Assert.Equal(QueueState.Claimed, await StateAsync(database));
        Assert.True(await queue.OwnsAsync([now], CancellationToken.None));
    }

    [Theory, BothDatabases]
    public async Task A_DSN_and_its_entries_stand_or_fall_together(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("a@example.org", "b@example.org");
        var claimed = await database.Get<MailQueue>().ClaimAsync("example.org", 2, CancellationToken.None);
        await database.WriteAsync(db => db.QueueEntries.Single(e => e.ForwardPath == "b@example.org").Claim++);
        var attempt = new Attempt(claimed[0].QueueId, [.. claimed.Select(e => new Settlement(e, SettlementKind.Failed))], [new TraceFact("attempt.failed", new Dictionary<string, string>())]);
        await database.Get<MailWriter>().StartAsync(CancellationToken.None);
        var dsn = await database.AcceptanceAsync("Subject: DSN\r\n\r\n");

        var written = await database.Get<MailWriter>().WriteAsync(dsn with { Precondition = (db, cancel) => database.Get<MailQueue>().StageAsync(db, attempt, cancel) });

        Assert.Equal(WriteResult.Superseded, written);
        Assert.Equal(2, await database.ReadAsync(db => db.QueueEntries.CountAsync()));
        Assert.Equal((0, 0), (await database.ReadAsync(db => db.Messages.CountAsync(m => m.QueueId == dsn.QueueId)), await database.ReadAsync(db => db.TraceEvents.CountAsync())));

        await database.WriteAsync(db => db.QueueEntries.Single(e => e.ForwardPath == "b@example.org").Claim--);
        var again = await database.AcceptanceAsync("Subject: DSN\r\n\r\n");
        Assert.Equal(WriteResult.Committed, await database.Get<MailWriter>().WriteAsync(again with { Precondition = (db, cancel) => database.Get<MailQueue>().StageAsync(db, attempt, cancel) }));
        Assert.Equal(0, await database.ReadAsync(db => db.QueueEntries.CountAsync()));
        await database.Get<MailWriter>().StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task On_SQLite_what_was_claimed_before_the_start_is_free_at_once()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.QueueAsync("a@example.org");
        await database.Get<MailQueue>().ClaimAsync("example.org", 1, CancellationToken.None);

        await database.Get<NodeHeartbeat>().BeginAsync(CancellationToken.None);

        Assert.Equal("a@example.org", Assert.Single(await database.Get<MailQueue>().ClaimAsync("example.org", 1, CancellationToken.None)).ForwardPath);
    }

    [Fact]
    public async Task On_PostgreSQL_claims_of_a_process_without_a_heartbeat_go_back_by_the_databases_clock()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        await database.QueueAsync("a@example.org");
        var (beating, dead) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await database.WriteAsync(db => db.Database.ExecuteSql($"""INSERT INTO "Node" ("Id", "HostName", "StartedAt", "HeartbeatAt") VALUES ({beating}, 'a', now(), now() - interval '50 seconds'), ({dead}, 'b', now(), now() - interval '70 seconds')"""));
        await database.WriteAsync(db => (db.QueueEntries.Single().State, db.QueueEntries.Single().Owner) = (QueueState.Claimed, beating));
        await database.Get<NodeHeartbeat>().BeginAsync(CancellationToken.None);
        Assert.Equal(QueueState.Claimed, await StateAsync(database));   // it still lives

        await database.WriteAsync(db => db.QueueEntries.Single().Owner = dead);
        await database.Get<NodeHeartbeat>().BeatAsync(CancellationToken.None);

        Assert.Equal(QueueState.Due, await StateAsync(database));
        Assert.Equal([beating, database.Get<ThisNode>().Id], await database.ReadAsync(db => db.Nodes.OrderBy(n => n.HostName.Length).ThenBy(n => n.Id).Select(n => n.Id).ToListAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_claim_whose_answer_was_lost_goes_back_with_the_second_beat(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (heartbeat, queue) = (database.Get<NodeHeartbeat>(), database.Get<MailQueue>());
        await heartbeat.BeginAsync(CancellationToken.None);
        await database.QueueAsync("a@example.org");
        var claimed = await queue.ClaimAsync("example.org", 1, CancellationToken.None);
        for (var i = 0; i < 3; i++) await heartbeat.BeatAsync(CancellationToken.None);
        Assert.Equal(QueueState.Claimed, await StateAsync(database));   // somebody works on it

        await database.WriteAsync(db => db.QueueEntries.Single().Claim++);   // a claim that nobody was told of
        await heartbeat.BeatAsync(CancellationToken.None);
        Assert.Equal(QueueState.Claimed, await StateAsync(database));   // its answer may be on its way

        await heartbeat.BeatAsync(CancellationToken.None);
        Assert.Equal(QueueState.Due, await StateAsync(database));

        claimed = await queue.ClaimAsync("example.org", 1, CancellationToken.None);
        queue.Forget(claimed);   // and one that was given up
        for (var i = 0; i < 2; i++) await heartbeat.BeatAsync(CancellationToken.None);
        Assert.Equal(QueueState.Due, await StateAsync(database));
    }

    private static Task<QueueState> StateAsync(TestDatabase database) => database.ReadAsync(db => db.QueueEntries.Select(e => e.State).SingleAsync());
}
