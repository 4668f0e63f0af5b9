using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Reports;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>
/// A system with 1,000,000 stored messages and their trace, 2,000 mailboxes, 100,000 queue entries and 100,000 audit entries. What
/// people open costs as much as on a small one, which counted work tells, not a clock; mail comes, is read, found and deleted;
/// old mail ends in bounded turns.
/// </summary>
[Collection(AloneCollection.Name)]
[Trait("Category", "Long")]
public sealed class ManyMessagesTests
{
    private const int Mailboxes = 2_000;
    private const int SideRows = 100_000;
    private const int SizeBytes = 200;
    private const int TurnRows = 500;

    /// <summary>
    /// Most work of one query of a list. SQLite: a look at every one of a million rows takes five million steps and more, the count
    /// up to 10,000 that a list shows takes a tenth of this. PostgreSQL: pages of 8 KB; the tables here have 30,000 to 100,000 each.
    /// </summary>
    private const long MaxSteps = 1_000_000;
    private const long MaxPages = 20_000;

    private readonly List<string> told = [];
    private readonly List<string> excesses = [];
    private PortalHost portal = null!;
    private DatabaseKind kind;

    /// <summary>Fewer for a look at the test itself: PORTAL_MANY_MESSAGES=20000.</summary>
    private static int Messages => int.TryParse(Environment.GetEnvironmentVariable("PORTAL_MANY_MESSAGES"), CultureInfo.InvariantCulture, out var asked) ? asked : 1_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_million_stored_messages_make_no_list_longer_and_no_turn_larger(DatabaseKind database)
    {
        kind = database;
        await using var host = await PortalHost.StartAsync(new PortalHostWishes { Database = kind, Settings = new(ManyMails.Settings) });
        portal = host;
        var people = await FillAsync();

        await CheckListsAsync(people[77]);
        await CheckMessageAsync(people[42]);
        await CheckEndAsync(people);
        await CheckCountersAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', told));
        Assert.Empty(excesses);
    }

    private async Task<IReadOnlyList<Owner>> FillAsync()
    {
        var mails = new ManyMails(portal.Services);
        var addresses = Enumerable.Range(0, Mailboxes).Select(i => $"u{i}@{PortalHost.Domain}").ToList();
        var made = await mails.AddMailboxesAsync(addresses);
        var people = made.Zip(addresses, (box, address) => new Owner(box.MailboxId, address, Actor.ForAccount(box.AccountId, address, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null))).ToList();
        await mails.StoreAsync([.. people.Select(p => (p.MailboxId, p.Address))], 0, Messages, Messages, SizeBytes);

        var numbers = kind == DatabaseKind.Sqlite ? $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SideRows})" : $"WITH n AS (SELECT i FROM generate_series(1, {SideRows}) AS g(i))";
        var (now, later) = kind == DatabaseKind.Sqlite ? ($"{DateTime.UtcNow.Ticks} + i", $"{DateTime.UtcNow.AddDays(1).Ticks} + i") : ("now() + make_interval(secs => i / 1000000.0)", "now() + make_interval(days => 1, secs => i / 1000000.0)");
        var (yes, half) = kind == DatabaseKind.Sqlite ? ("0", "i % 2") : ("false", "i % 2");
        await ExecuteAsync($"""
            {numbers} INSERT INTO "QueueEntry" ("MessageId", "QueueId", "Kind", "ReversePath", "ForwardPath", "RouteKey", "State", "CreatedAt", "NextAttemptAt", "ExpiresAt", "Attempt", "Cause", "LastReply", "DelayNoticeSent", "SizeBytes", "Notify", "Return", "IsDemo")
            SELECT m."Id", m."QueueId", 0, m."ReversePath", 'r' || i || '@d' || (i % 300) || '.example', 'd' || (i % 300) || '.example', 0, {now}, {later}, {later}, 1, i % 8, '451 4.3.0 later', {yes}, 1000, 0, 0, {yes}
            FROM n JOIN "Message" m ON m."Id" = 1 + i % {Messages / 2}
            """);
        await ExecuteAsync($"""
            {numbers} INSERT INTO "AuditEntry" ("At", "ActorKind", "ActorId", "ActorName", "Channel", "Action", "Target", "IsDemo")
            SELECT {now}, 0, NULL, 'admin@portal.test', {half}, CASE WHEN i % 100 = 0 THEN 'mailbox.delete' ELSE 'mailbox.quota.set' END, 'u' || (i % {Mailboxes}) || '@portal.test', {yes} FROM n
            """);
        if (kind == DatabaseKind.Postgres) await portal.ReadAsync(async db => await ExecuteUnboundAsync(db, "VACUUM ANALYZE"));   // as its autovacuum does; SQLite gets no statistics in the program, and none here
        return people;
    }

    /// <summary>Every list people open, and what each query of it costs.</summary>
    private async Task CheckListsAsync(Owner owner)
    {
        var admin = Actor.Operator();
        var trace = portal.Get<TraceService>();
        var number = Mailboxes * 5 + 77;
        var known = await portal.ReadAsync(db => db.Messages.Where(m => m.MessageIdHeader == ManyMails.MessageIdOf(number)).Select(m => m.QueueId).SingleAsync());
        var at = await portal.ReadAsync(db => db.Traces.Where(t => t.QueueId == known).Select(t => t.At).SingleAsync());
        TraceQuery[] queries =
        [
            new(),
            new() { Text = owner.Address },
            new() { Text = $"@{PortalHost.Domain}" },
            new() { Text = ManyMails.SenderOf(number) },
            new() { Text = $"{owner.Address} {ManyMails.SenderOf(number)}" },
            new() { Text = ManyMails.MessageIdOf(number) },
            new() { Text = known.ToString() },
            new() { Text = owner.Address, Filter = TraceFilter.Delivered },
            new() { Filter = TraceFilter.Received },
            new() { From = at, Until = at.AddHours(1) },
            new() { Before = known },
        ];
        foreach (var query in queries)
        {
            var page = await BoundedAsync($"trace {query.Text} {query.Filter}", async () => (await trace.SearchAsync(admin, query, Cancel)).Value);
            Assert.NotEmpty(page.Rows);
            await BoundedAsync($"trace count {query.Text} {query.Filter}", async () => (await trace.CountAsync(admin, query, Cancel)).Value);
        }

        foreach (var filter in new[] { TraceFilter.Failed, TraceFilter.Refused, TraceFilter.InQueue, TraceFilter.Held })
            Assert.Empty((await BoundedAsync($"trace {filter}", async () => (await trace.SearchAsync(admin, new() { Filter = filter }, Cancel)).Value)).Rows);
        Assert.Single((await BoundedAsync("trace detail", async () => (await trace.GetAsync(admin, known, Cancel)).Value)).Outcomes);

        var overview = await BoundedAsync("folders", async () => (await portal.Get<MailService>().OverviewAsync(owner.Actor, Cancel)).Value);
        var inbox = overview.For(SpecialUse.Inbox);
        Assert.Equal(Messages / Mailboxes, inbox.Items);
        var newest = await BoundedAsync("folder page", async () => (await portal.Get<MailService>().ListAsync(owner.Actor, inbox.Id, null, Cancel)).Value);
        Assert.NotEmpty(newest.Rows);
        if (newest.Next is { } next) Assert.NotEmpty((await BoundedAsync("next folder page", async () => (await portal.Get<MailService>().ListAsync(owner.Actor, inbox.Id, next, Cancel)).Value)).Rows);

        foreach (var query in new MailboxQuery[] { new(), new() { Text = "u77" }, new() { Skip = 1_900 }, new() { Sort = MailboxSort.Name, Descending = true }, new() { NearlyFull = true } })
            await BoundedAsync($"mailboxes {query.Text} {query.Skip}", async () => (await portal.Get<MailboxListService>().SearchAsync(admin, query, Cancel)).Value);
        await BoundedAsync("mailbox", async () => (await portal.Get<MailboxListService>().GetAsync(admin, owner.MailboxId, Cancel)).Value);

        var queue = portal.Get<QueueService>();
        foreach (var filter in new QueueFilter[] { QueueFilter.All, new() { RouteKey = "d7.example", State = QueueState.Due } })
            Assert.NotEmpty((await BoundedAsync($"queue {filter.RouteKey}", async () => (await queue.SearchAsync(admin, filter, QueueSort.NextAttempt, false, 0, 50, Cancel)).Value)).Rows);
        Assert.Empty((await BoundedAsync("due destinations", () => portal.Get<MailQueue>().DueAsync([], "", 200, Cancel))).Destinations);

        // Its flow is counted from the mail of two days, which here is a third of all.
        Assert.False((await BoundedAsync("overview", async () => (await portal.Get<OverviewService>().GetAsync(admin, Cancel)).Value, times: 5)).Start!.HasSent);

        foreach (var query in new AuditQuery[] { new(), new() { Target = owner.Address }, new() { From = DateTimeOffset.UtcNow.AddHours(-1) } })
            Assert.NotEmpty((await BoundedAsync($"audit {query.Target}", async () => (await portal.Get<AuditService>().SearchAsync(admin, query, Cancel)).Value)).Entries);
    }

    /// <summary>A message comes by SMTP, lies on top of its folder, can be read, is found in the trace and is deleted.</summary>
    private async Task CheckMessageAsync(Owner owner)
    {
        const string Text = "From: bob@elsewhere.example\r\nTo: u42@portal.test\r\nSubject: One of a million\r\nMessage-ID: <new@elsewhere.example>\r\n\r\nHello.\r\n";
        using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);
        Assert.StartsWith("250", await talk.SendAsync("bob@elsewhere.example", [owner.Address], Text), StringComparison.Ordinal);

        var mail = portal.Get<MailService>();
        var inbox = (await mail.OverviewAsync(owner.Actor, Cancel)).Value.For(SpecialUse.Inbox);
        var top = (await mail.ListAsync(owner.Actor, inbox.Id, null, Cancel)).Value.Rows[0];
        Assert.Equal("One of a million", top.Subject);
        await using (var raw = (await BoundedAsync("open", () => mail.OpenRawAsync(owner.Actor, top.Id, Cancel))).Value)
        using (var reader = new StreamReader(raw)) Assert.EndsWith(Text, await reader.ReadToEndAsync(Cancel), StringComparison.Ordinal);

        var queueId = await portal.ReadAsync(db => db.Messages.Where(m => m.Id == top.MessageId).Select(m => m.QueueId).SingleAsync());
        await portal.EventuallyAsync(db => db.Traces.Where(t => t.QueueId == queueId).Select(t => t.IsIndexed).SingleAsync(), indexed => indexed);
        foreach (var words in new[] { queueId.ToString(), "new@elsewhere.example", $"{owner.Address} bob@elsewhere.example" })
            Assert.Equal(queueId, Assert.Single((await portal.Get<TraceService>().SearchAsync(Actor.Operator(), new TraceQuery { Text = words }, Cancel)).Value.Rows).Trace.QueueId);

        await BoundedAsync("delete", () => mail.DeleteAsync(owner.Actor, [top.Id], Cancel));
        Assert.NotEqual(inbox.Id, (await mail.FindAsync(owner.Actor, top.Id, Cancel)).Value.FolderId);
        Assert.Equal(inbox.Items - 1, (await mail.OverviewAsync(owner.Actor, Cancel)).Value.For(SpecialUse.Inbox).Items);
    }

    /// <summary>Three people empty their mailboxes and one mailbox ends: removed in turns, swept in turns, nothing else touched.</summary>
    private async Task CheckEndAsync(IReadOnlyList<Owner> people)
    {
        var mail = portal.Get<MailService>();
        var databases = portal.Get<IDbContextFactory<PortalDbContext>>();
        var leaving = people.Skip(100).Take(3).ToList();
        var items = 0;
        foreach (var owner in leaving)
        {
            var ids = await portal.ReadAsync(db => db.MailItems.Where(i => i.MailboxId == owner.MailboxId).Select(i => i.Id).ToListAsync());
            foreach (var turn in ids.Chunk(TurnRows))
            {
                await BoundedAsync("delete many", () => mail.DeleteAsync(owner.Actor, turn, Cancel));
                await BoundedAsync("delete from trash", () => mail.DeleteAsync(owner.Actor, turn, Cancel));
            }

            items += ids.Count;
        }

        // Their messages that the queue still refers to stay: only what nobody refers to may go.
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(15));
        var remover = new MailRemover(databases, portal.Get<WriteGate>(), clock);
        for (var left = items; left > 0;)
        {
            var ended = await BoundedAsync("purge", () => remover.PurgeAsync(Cancel));
            Assert.InRange(ended, 1, TurnRows);
            left -= ended;
        }

        Assert.Equal(0, await remover.PurgeAsync(Cancel));
        var cleared = people[200];
        items += await portal.ReadAsync(db => db.MailItems.CountAsync(i => i.MailboxId == cleared.MailboxId));
        for (var turns = 0; !await BoundedAsync("clear mailbox", () => remover.ClearMailboxAsync(cleared.MailboxId, Cancel)); turns++) Assert.True(turns <= Messages / Mailboxes / TurnRows + 1);

        var before = await portal.ReadAsync(db => db.Messages.LongCountAsync());
        var unused = await portal.ReadAsync(db => db.Messages.LongCountAsync(m => !db.MailItems.Any(i => i.MessageId == m.Id) && !db.QueueEntries.Any(e => e.MessageId == m.Id)));
        Assert.InRange(unused, 1, items);
        var sweeper = new ContentSweeper(databases, portal.Get<WriteGate>(), portal.Get<IBlobStore>(), clock);
        var swept = 0;
        for (long? cursor = 0; cursor is { } from;)
        {
            (cursor, var deleted) = await BoundedAsync("sweep", () => sweeper.SweepAsync(from, Cancel));
            Assert.InRange(deleted, 0, TurnRows);
            swept += deleted;
        }

        Assert.Equal(unused, swept);
        Assert.Equal(before - unused, await portal.ReadAsync(db => db.Messages.LongCountAsync()));
    }

    /// <summary>The counters are what a count of the rows gives.</summary>
    private async Task CheckCountersAsync()
    {
        var counts = await portal.ReadAsync(db => db.MailItems.Where(i => i.DeletedAt == null).GroupBy(i => i.FolderId).Select(g => new { Id = g.Key, Items = g.LongCount(), Unseen = g.LongCount(i => (i.Flags & MailFlags.Seen) == 0), Uid = g.Max(i => i.Uid) }).ToDictionaryAsync(g => g.Id));
        foreach (var folder in await portal.ReadAsync(db => db.Folders.AsNoTracking().ToListAsync()))
        {
            Assert.Equal((counts.GetValueOrDefault(folder.Id)?.Items ?? 0, counts.GetValueOrDefault(folder.Id)?.Unseen ?? 0), (folder.Items, folder.Unseen));
            Assert.True(folder.UidNext > (counts.GetValueOrDefault(folder.Id)?.Uid ?? 0));
        }

        Assert.Equal(
            await portal.ReadAsync(db => db.MailItems.Where(i => i.DeletedAt == null).SumAsync(i => i.SizeBytes)),
            await portal.ReadAsync(db => db.MailboxUses.Where(u => db.Folders.Any(f => f.MailboxId == u.MailboxId)).SumAsync(u => u.Bytes)));
    }

    /// <summary>Runs something, then each query it sent once more: none may cost more work than a list may, whatever its plan.</summary>
    private async Task<T> BoundedAsync<T>(string what, Func<Task<T>> act, int times = 1)
    {
        using var sql = new SqlRecorder(portal.Get<IDbContextFactory<PortalDbContext>>());
        var result = await act();
        foreach (var (text, work) in await sql.WorkAsync())
        {
            told.Add($"{what}: {work}");
            if (work > times * (kind == DatabaseKind.Sqlite ? MaxSteps : MaxPages)) excesses.Add($"{what} costs {work}\n{text}");
        }

        return result;
    }

    private Task ExecuteAsync(string sql) => portal.ReadAsync(async db =>
    {
        using var turn = await portal.Get<WriteGate>().EnterAsync(Cancel);
        return await ExecuteUnboundAsync(db, sql);
    });

    private static Task<int> ExecuteUnboundAsync(PortalDbContext db, string sql)
    {
        db.Database.SetCommandTimeout(TimeSpan.FromMinutes(10));
        return db.Database.ExecuteSqlRawAsync(sql, Cancel);
    }

    private sealed record Owner(Guid MailboxId, string Address, Actor Actor);
}
