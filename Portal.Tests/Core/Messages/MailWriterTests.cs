using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class MailWriterTests
{
    [Theory, BothDatabases]
    public async Task A_message_to_two_people_is_one_content_and_two_items(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test", "ben@portal.test");

        Assert.Equal(WriteResult.Committed, await store.DeliverAsync(Mail.Text, 0, 1));

        var db = store.Database;
        var message = Assert.Single(await db.ReadAsync(d => d.Messages.ToListAsync()));
        Assert.Equal(("Hello", "1@example.org", "\"Bob\" <bob@example.org>"), (message.Subject, message.MessageIdHeader, message.HeaderFrom?.Replace("Bob <", "\"Bob\" <", StringComparison.Ordinal).Replace("\"\"", "\"", StringComparison.Ordinal)));
        Assert.Equal(2, await db.ReadAsync(d => d.MailItems.CountAsync(i => i.MessageId == message.Id && i.Uid == 1)));
        Assert.Single(await db.ReadAsync(d => d.Contents.ToListAsync()));
        foreach (var mailbox in store.Mailboxes)
        {
            var use = await db.ReadAsync(d => d.MailboxUses.SingleAsync(u => u.MailboxId == mailbox));
            Assert.Equal((message.SizeBytes, 1L), (use.Bytes, use.Items));
            var inbox = await db.ReadAsync(d => d.Folders.SingleAsync(f => f.MailboxId == mailbox && f.SpecialUse == SpecialUse.Inbox));
            Assert.Equal((2L, 1L, 1L), (inbox.UidNext, inbox.Items, inbox.Unseen));
        }
    }

    [Theory, BothDatabases]
    public async Task What_was_stored_comes_back_byte_for_byte_below_the_trace_fields(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");
        var odd = "Subject: caf\xe9\r\n\r\n" + new string('x', 50_000) + "\0\r\nFrom nobody\r\n";
        var large = "Subject: large\r\n\r\n" + string.Concat(Enumerable.Range(0, 40_000).Select(i => $"line {i * 7919 % 10007}\r\n"));

        await store.DeliverAsync(odd, 0);
        await store.DeliverAsync(large, 0);

        var ids = await store.Database.ReadAsync(d => d.Messages.OrderBy(m => m.Id).Select(m => m.Id).ToListAsync());
        Assert.Equal("Received: from test\r\n" + odd, await store.ReadTextAsync(ids[0]));
        Assert.Equal("Received: from test\r\n" + large, await store.ReadTextAsync(ids[1]));
        var contents = await store.Database.ReadAsync(d => d.Contents.OrderBy(c => c.MessageId).ToListAsync());
        Assert.Equal((true, true), (contents[0].BlobKey is null, contents[1].BlobKey is not null));
    }

    [Theory, BothDatabases]
    public async Task Uids_and_modseqs_of_a_folder_have_no_gap_and_no_double_under_concurrency(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");

        var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => store.DeliverAsync(Mail.Text, 0)));

        Assert.All(results, r => Assert.Equal(WriteResult.Committed, r));
        var uids = await store.Database.ReadAsync(d => d.MailItems.OrderBy(i => i.Uid).Select(i => i.Uid!.Value).ToListAsync());
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), uids);
        var modSeqs = await store.Database.ReadAsync(d => d.MailItems.OrderBy(i => i.Uid).Select(i => i.ModSeq).ToListAsync());
        Assert.Equal(modSeqs.Distinct().Order(), modSeqs);
    }

    [Theory, BothDatabases]
    public async Task A_fault_of_one_message_fails_that_message_only(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");
        var culprit = await store.AcceptAsync(Mail.Text, 0);
        store.Writer.Fault = (point, batch) =>
        {
            if (point == CommitPoint.BeforeCommit && batch.Contains(culprit)) throw new InvalidOperationException("injected");
        };

        var results = await Task.WhenAll([store.Writer.WriteAsync(culprit), .. Enumerable.Range(0, 20).Select(_ => store.DeliverAsync(Mail.Text, 0))]);

        Assert.Equal(WriteResult.Failed, results[0]);
        Assert.All(results.Skip(1), r => Assert.Equal(WriteResult.Committed, r));
        Assert.Equal(20, await store.Database.ReadAsync(d => d.Messages.CountAsync()));
        Assert.Equal(20, await store.Database.ReadAsync(d => d.MailItems.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_commit_whose_answer_is_lost_is_looked_up_before_anybody_hears(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");
        store.Writer.Fault = (point, _) =>
        {
            if (point == CommitPoint.AfterCommit) throw new IOException("the answer was lost");
        };

        Assert.Equal(WriteResult.Committed, await store.DeliverAsync(Mail.Text, 0));
        Assert.Single(await store.Database.ReadAsync(d => d.MailItems.ToListAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_mailbox_gone_since_rcpt_drops_that_recipient_not_the_batch(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");
        var acceptance = await store.Database.AcceptanceAsync(Mail.Text,
            new LocalDelivery(store.Mailboxes[0], SpecialUse.Inbox, MailFlags.None, 0), new LocalDelivery(Guid.CreateVersion7(), SpecialUse.Inbox, MailFlags.None, 1));

        Assert.Equal(WriteResult.Committed, await store.Writer.WriteAsync(acceptance));

        Assert.Single(await store.Database.ReadAsync(d => d.MailItems.ToListAsync()));
        var outcomes = await store.Database.ReadAsync(d => d.TraceRecipients.OrderBy(r => r.Index).Select(r => r.Outcome).ToListAsync());
        Assert.Equal([RecipientOutcome.Delivered, RecipientOutcome.Failed], outcomes);
    }

    [Theory, BothDatabases]
    public async Task A_precondition_that_no_longer_holds_writes_nothing(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");
        var acceptance = await store.AcceptAsync(Mail.Text, 0) with { Precondition = (_, _) => Task.FromResult<IReadOnlyList<StoredCopy>?>(null) };

        Assert.Equal(WriteResult.Superseded, await store.Writer.WriteAsync(acceptance));
        Assert.Empty(await store.Database.ReadAsync(d => d.Messages.ToListAsync()));
    }

    [Theory, BothDatabases]
    public async Task Queue_entries_survive_a_batch_that_is_run_again(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");
        var first = true;
        store.Writer.Fault = (point, batch) =>
        {
            if (point != CommitPoint.BeforeCommit || batch.Count == 1 || !first) return;
            first = false;
            throw new InvalidOperationException("injected");
        };
        var acceptances = await Task.WhenAll(Enumerable.Range(0, 30).Select(async i =>
        {
            var acceptance = await store.AcceptAsync(Mail.Text, 0);
            return acceptance with { Entries = [Entry(acceptance.QueueId, $"r{i}@example.org")] };
        }));

        var results = await Task.WhenAll(acceptances.Select(store.Writer.WriteAsync));

        Assert.False(first);
        Assert.All(results, r => Assert.Equal(WriteResult.Committed, r));
        Assert.Equal(30, await store.Database.ReadAsync(d => d.QueueEntries.Select(e => e.ForwardPath).Distinct().CountAsync()));
        Assert.Equal(30, await store.Database.ReadAsync(d => (from e in d.QueueEntries join m in d.Messages on e.MessageId equals m.Id where e.QueueId == m.QueueId select e).CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_batch_is_closed_when_its_commit_begins_and_what_keeps_arriving_goes_into_the_next(DatabaseKind kind)
    {
        await using var store = await WriterBed.OpenAsync(kind, "anna@portal.test");
        var acceptances = new List<Acceptance>();
        for (var i = 0; i < 4; i++) acceptances.Add(await store.AcceptAsync(Mail.Text, 0));
        var (arriving, batches) = (new List<Task<WriteResult>>(), new List<IReadOnlyList<Acceptance>>());
        store.Writer.Fault = (point, batch) =>
        {
            if (point == CommitPoint.Begun) batches.Add(batch);
            // A disk so slow that at each step of a commit there is one more message.
            if (arriving.Count + 1 < acceptances.Count) arriving.Add(store.Writer.WriteAsync(acceptances[arriving.Count + 1]));
        };

        Assert.Equal(WriteResult.Committed, await store.Writer.WriteAsync(acceptances[0]));
        Assert.All(await Task.WhenAll(arriving), r => Assert.Equal(WriteResult.Committed, r));

        Assert.Equal([acceptances[0]], batches[0]);   // three came while it was committed, and it was answered without them
        Assert.Equal(acceptances, batches.SelectMany(b => b));   // in the order of arrival: nobody is overtaken
    }

    private static QueueEntry Entry(Guid queueId, string forwardPath) =>
        new() { QueueId = queueId, ReversePath = "anna@portal.test", ForwardPath = forwardPath, RouteKey = "example.org", CreatedAt = TestDatabase.Start, NextAttemptAt = TestDatabase.Start, ExpiresAt = TestDatabase.Start.AddDays(5) };
}
