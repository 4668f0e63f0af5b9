using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Queue;

public sealed class LocalPlacementTests
{
    private const string Anna = "anna@portal.test";

    [Theory, BothDatabases]
    public async Task A_mailbox_gets_one_copy_however_many_of_its_addresses_are_queued(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAnnaAsync(database);
        await QueueAsync(database, Anna, "al@portal.test");
        await QueueAsync(database, Anna);

        var claimed = await ClaimAsync(database);
        foreach (var message in claimed.GroupBy(e => e.QueueId))
            await database.Get<MailQueue>().SettleAsync(new Attempt(message.Key, [.. message.Select(e => Stored(e, anna))], []), CancellationToken.None);

        Assert.Equal([1, 2], (await ItemsAsync(database)).Select(i => i.Uid!.Value));
        await CountersAreAsync(database, anna, items: 2);
        Assert.Equal(0, await database.ReadAsync(db => db.QueueEntries.CountAsync()));
        Assert.All(await database.ReadAsync(db => db.TraceRecipients.ToListAsync()), r => Assert.Equal((RecipientOutcome.Delivered, "attempt.stored"), (r.Outcome, r.Rule)));
    }

    [Theory, BothDatabases]
    public async Task A_copy_and_its_receipt_are_one_commit_also_in_one_mailbox(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAnnaAsync(database);
        await QueueAsync(database, Anna, "al@portal.test");
        var claimed = await ClaimAsync(database);
        var attempt = new Attempt(claimed[0].QueueId, [.. claimed.Select(e => Stored(e, anna))], []);
        await database.Get<MailWriter>().StartAsync(CancellationToken.None);
        var receipt = await database.AcceptanceAsync("Subject: DSN\r\n\r\n", new LocalDelivery(anna, SpecialUse.Inbox, MailFlags.None, 0));
        receipt = receipt with { Precondition = (db, cancel) => database.Get<MailQueue>().StageAsync(db, attempt, cancel) };

        await database.WriteAsync(db => db.QueueEntries.Single(e => e.ForwardPath == Anna).Claim++);   // somebody else's try by now
        Assert.Equal(WriteResult.Superseded, await database.Get<MailWriter>().WriteAsync(receipt));
        Assert.Empty(await ItemsAsync(database));

        await database.WriteAsync(db => db.QueueEntries.Single(e => e.ForwardPath == Anna).Claim--);
        Assert.Equal(WriteResult.Committed, await database.Get<MailWriter>().WriteAsync(receipt));
        await database.Get<MailWriter>().StopAsync(CancellationToken.None);

        var items = await ItemsAsync(database);
        Assert.Equal([1, 2], items.Select(i => i.Uid!.Value));
        Assert.Equal(2, items.Select(i => i.MessageId).Distinct().Count());
        await CountersAreAsync(database, anna, items: 2);
    }

    [Theory, BothDatabases]
    public async Task Two_who_place_the_same_copy_at_once_leave_one(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAnnaAsync(database);
        await database.Get<MailWriter>().StartAsync(CancellationToken.None);
        for (var round = 1; round <= 10; round++)
        {
            await QueueAsync(database, Anna, "al@portal.test");
            var claimed = await ClaimAsync(database);
            var (one, other) = (new Attempt(claimed[0].QueueId, [Stored(claimed[0], anna)], []), new Attempt(claimed[1].QueueId, [Stored(claimed[1], anna)], []));
            var receipt = await database.AcceptanceAsync("Subject: DSN\r\n\r\n") with { Precondition = (db, cancel) => database.Get<MailQueue>().StageAsync(db, other, cancel) };

            await Task.WhenAll(database.Get<MailQueue>().SettleAsync(one, CancellationToken.None), database.Get<MailWriter>().WriteAsync(receipt));

            Assert.Equal(round, (await ItemsAsync(database)).Count);
            await CountersAreAsync(database, anna, items: round);
        }

        await database.Get<MailWriter>().StopAsync(CancellationToken.None);
    }

    [Theory, BothDatabases]
    public async Task A_mailbox_that_is_no_more_leaves_the_entry_as_it_is(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAnnaAsync(database);
        await QueueAsync(database, Anna);
        var entry = Assert.Single(await ClaimAsync(database));

        await database.Get<MailQueue>().SettleAsync(
            new Attempt(entry.QueueId, [new Settlement(entry, SettlementKind.Expanded) { Placement = new LocalPlacement([anna, Guid.CreateVersion7()], [], DsnNotify.Never, IsExpansion: true) }], []), CancellationToken.None);

        Assert.Empty(await ItemsAsync(database));
        Assert.Equal(QueueState.Claimed, (await database.ReadAsync(db => db.QueueEntries.SingleAsync())).State);
    }

    [Theory, BothDatabases]
    public async Task Targets_outside_get_an_entry_each_unless_the_message_goes_there_already(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await QueueAsync(database, "list@portal.test", "known@example.org", "refused@example.org");
        await database.WriteAsync(db => db.TraceRecipients.Single(r => r.Recipient == "refused@example.org").Outcome = RecipientOutcome.Refused);
        await database.WriteAsync(db => db.QueueEntries.RemoveRange(db.QueueEntries.Where(e => e.ForwardPath != "list@portal.test")));
        var entry = Assert.Single(await ClaimAsync(database));
        RelayTarget[] targets = [new("new@example.org", "example.org"), new("known@example.org", "example.org"), new("refused@example.org", "example.org")];

        await database.Get<MailQueue>().SettleAsync(
            new Attempt(entry.QueueId, [new Settlement(entry, SettlementKind.Expanded) { Placement = new LocalPlacement([], targets, DsnNotify.Failure, IsExpansion: true) }], []), CancellationToken.None);

        var queued = await database.ReadAsync(db => db.QueueEntries.OrderBy(e => e.Id).ToListAsync());
        Assert.Equal(["new@example.org", "refused@example.org"], queued.Select(e => e.ForwardPath));
        Assert.All(queued, e => Assert.Equal((QueueKind.Relay, "example.org", QueueState.Due, DsnNotify.Failure, entry.ExpiresAt, entry.MessageId), (e.Kind, e.RouteKey, e.State, e.Notify, e.ExpiresAt, e.MessageId)));
        var rows = await database.ReadAsync(db => db.TraceRecipients.OrderBy(r => r.Index).ToListAsync());
        Assert.Equal([RecipientOutcome.Relayed, RecipientOutcome.Queued, RecipientOutcome.Refused, RecipientOutcome.Queued, RecipientOutcome.Queued], rows.Select(r => r.Outcome));
    }

    [Theory, BothDatabases]
    public async Task What_was_taken_for_junk_lies_in_the_junk_folder_also_through_the_queue(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAnnaAsync(database);
        await QueueAsync(database, Anna);
        await QueueAsync(database, "al@portal.test");
        await database.WriteAsync(db => db.QueueEntries.Where(e => e.ForwardPath == Anna).ExecuteUpdate(e => e.SetProperty(x => x.IsJunk, true)));
        var claimed = await ClaimAsync(database);

        foreach (var entry in claimed) await database.Get<MailQueue>().SettleAsync(new Attempt(entry.QueueId, [Stored(entry, anna)], []), CancellationToken.None);

        var folders = await database.ReadAsync(db => (from i in db.MailItems join f in db.Folders on i.FolderId equals f.Id orderby i.MessageId select f.SpecialUse).ToListAsync());
        Assert.Equal([SpecialUse.Junk, SpecialUse.Inbox], folders);
    }

    private static async Task<Guid> AddAnnaAsync(TestDatabase database)
    {
        await database.AddDomainAsync();
        return (await database.AddMailboxAsync(Anna)).MailboxId;
    }

    private static Task QueueAsync(TestDatabase database, params string[] recipients) => database.QueueAsync(e => e.RouteKey = QueueEntry.LocalRouteKey, recipients);

    private static Task<IReadOnlyList<QueueEntry>> ClaimAsync(TestDatabase database) => database.Get<MailQueue>().ClaimAsync(QueueEntry.LocalRouteKey, 20, CancellationToken.None);

    private static Settlement Stored(QueueEntry entry, Guid mailbox) =>
        new(entry, SettlementKind.Stored) { Placement = new LocalPlacement([mailbox], [], DsnNotify.Never, IsExpansion: false) };

    private static Task<List<MailItem>> ItemsAsync(TestDatabase database) => database.ReadAsync(db => db.MailItems.AsNoTracking().OrderBy(i => i.Uid).ToListAsync());

    private static async Task CountersAreAsync(TestDatabase database, Guid mailbox, int items)
    {
        var bytes = (await ItemsAsync(database)).Sum(i => i.SizeBytes);
        var use = await database.ReadAsync(db => db.MailboxUses.SingleAsync(u => u.MailboxId == mailbox));
        var inbox = await database.ReadAsync(db => db.Folders.SingleAsync(f => f.MailboxId == mailbox && f.SpecialUse == SpecialUse.Inbox));
        Assert.Equal((items, bytes, items, items, items + 1), (use.Items, use.Bytes, inbox.Items, inbox.Unseen, inbox.UidNext));
    }
}
