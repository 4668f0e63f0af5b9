using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class MailServiceTests
{
    private const string Hello = "From: Carl <carl@example.org>\nTo: anna@portal.test\nSubject: Hello\n\nHow   are\n you?\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_folder_lists_newest_first_fifty_a_page_with_preview(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        for (var i = 1; i <= 52; i++) await bed.DeliverAsync(bed.Anna, Hello.Replace("Hello", $"Hello {i}"));
        var inbox = await bed.FolderAsync(bed.Anna, SpecialUse.Inbox);
        Assert.Equal((52, 52), (inbox.Items, inbox.Unseen));

        var first = (await bed.Mail.ListAsync(bed.Anna.Actor, inbox.Id, null, Cancel)).Value;
        var second = (await bed.Mail.ListAsync(bed.Anna.Actor, inbox.Id, first.Next, Cancel)).Value;

        Assert.Equal(50, first.Rows.Count);
        Assert.Equal(Enumerable.Range(1, 52).Reverse().Select(i => $"Hello {i}"), first.Rows.Concat(second.Rows).Select(r => r.Subject));
        Assert.Null(second.Next);
        Assert.All(first.Rows, r => Assert.Equal(("How are you?", "Carl <carl@example.org>", true), (r.Preview, r.From!.Replace("\"", ""), r.IsUnread)));
        Assert.Equal(50, await bed.Database.ReadAsync(db => db.Messages.CountAsync(m => m.ParserVersion == PreviewWriter.ParserVersion)) - second.Rows.Count);
    }

    [Theory, BothDatabases]
    public async Task Moving_leaves_a_tombstone_and_takes_a_new_uid(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Hello);
        var (inbox, archive) = (await bed.FolderAsync(bed.Anna, SpecialUse.Inbox), await bed.FolderAsync(bed.Anna, SpecialUse.Archive));

        var moved = await bed.Mail.MoveAsync(bed.Anna.Actor, [item], archive.Id, Cancel);

        Assert.Equal([new ItemMove(item, inbox.Id)], moved.Value.Moved);
        var tombstone = await bed.Database.ReadAsync(db => db.Expunged.SingleAsync());
        var after = await bed.FolderAsync(bed.Anna, SpecialUse.Inbox);
        Assert.Equal((inbox.Id, 1L, after.HighestModSeq), (tombstone.FolderId, tombstone.Uid, tombstone.ModSeq));
        Assert.True(after.HighestModSeq > inbox.HighestModSeq);
        Assert.Equal((0, 0), (after.Items, after.Unseen));
        Assert.Equal(1, Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Archive)).Uid);

        Assert.True((await bed.Mail.UndoAsync(bed.Anna.Actor, moved.Value, Cancel)).IsDone);
        Assert.Equal(2, Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Inbox)).Uid);   // never the first again
    }

    [Theory, BothDatabases]
    public async Task Deleting_goes_to_Trash_then_becomes_recoverable_and_leaves_the_quota(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Hello);
        var used = (await bed.Mail.OverviewAsync(bed.Anna.Actor, Cancel)).Value.Mailbox.UsedBytes;
        Assert.True(used > 0);

        Assert.Single((await bed.Mail.DeleteAsync(bed.Anna.Actor, [item], Cancel)).Value.Moved);
        Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Trash));
        Assert.Equal([item], (await bed.Mail.DeleteAsync(bed.Anna.Actor, [item], Cancel)).Value.Removed);

        Assert.Empty(await bed.ListAsync(bed.Anna, SpecialUse.Trash));
        Assert.Equal(0, (await bed.Mail.OverviewAsync(bed.Anna.Actor, Cancel)).Value.Mailbox.UsedBytes);
        var recoverable = Assert.Single((await bed.Mail.ListRecoverableAsync(bed.Anna.Actor, null, Cancel)).Value.Rows);
        Assert.Equal((item, TestDatabase.Start), (recoverable.Id, recoverable.DeletedAt));

        Assert.True((await bed.Mail.RecoverAsync(bed.Anna.Actor, [item], null, Cancel)).IsDone);
        Assert.Equal(item, Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Inbox)).Id);
        Assert.Equal(used, (await bed.Mail.OverviewAsync(bed.Anna.Actor, Cancel)).Value.Mailbox.UsedBytes);
    }

    [Theory, BothDatabases]
    public async Task Deleting_here_and_in_Trash_at_once_is_taken_back_as_a_whole(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var (kept, trashed) = (await bed.DeliverAsync(bed.Anna, Hello), await bed.DeliverAsync(bed.Anna, Hello, SpecialUse.Trash));

        var deletion = (await bed.Mail.DeleteAsync(bed.Anna.Actor, [kept, trashed], Cancel)).Value;
        Assert.Equal((kept, trashed), (Assert.Single(deletion.Moved).ItemId, Assert.Single(deletion.Removed)));

        Assert.True((await bed.Mail.UndoAsync(bed.Anna.Actor, deletion, Cancel)).IsDone);
        Assert.Equal(kept, Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Inbox)).Id);
        Assert.Equal(trashed, Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Trash)).Id);
    }

    [Theory, BothDatabases]
    public async Task Recovering_more_than_the_quota_holds_is_refused_and_changes_nothing(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Hello, SpecialUse.Trash);
        await bed.Mail.DeleteAsync(bed.Anna.Actor, [item], Cancel);
        using (await bed.Database.Gate.EnterAsync(Cancel))
            await bed.Database.ReadAsync(db => db.Mailboxes.Where(m => m.Id == bed.Anna.MailboxId).ExecuteUpdateAsync(m => m.SetProperty(x => x.QuotaOverrideBytes, 10L)));

        var outcome = await bed.Mail.RecoverAsync(bed.Anna.Actor, [item], null, Cancel);

        Assert.Equal("MailboxFull", Assert.IsType<Conflict>(outcome.Refusal).Key);
        Assert.Equal(item, Assert.Single((await bed.Mail.ListRecoverableAsync(bed.Anna.Actor, null, Cancel)).Value.Rows).Id);
        Assert.Equal(0, (await bed.FolderAsync(bed.Anna, SpecialUse.Inbox)).Items);
    }

    [Theory, BothDatabases]
    public async Task Marking_counts_what_is_unseen(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var items = new[] { await bed.DeliverAsync(bed.Anna, Hello), await bed.DeliverAsync(bed.Anna, Hello) };

        await bed.Mail.MarkAsync(bed.Anna.Actor, items, MailFlags.Seen | MailFlags.Flagged, MailFlags.None, Cancel);
        await bed.Mail.MarkAsync(bed.Anna.Actor, [items[0]], MailFlags.None, MailFlags.Seen, Cancel);

        Assert.Equal(1, (await bed.FolderAsync(bed.Anna, SpecialUse.Inbox)).Unseen);
        Assert.Equal([MailFlags.Seen | MailFlags.Flagged, MailFlags.Flagged], (await bed.ListAsync(bed.Anna, SpecialUse.Inbox)).Select(r => r.Flags));
    }

    [Theory, BothDatabases]
    public async Task Somebody_elses_mail_reads_as_not_there_and_stays_as_it_is(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Hello);
        var (inbox, bertsTrash) = (await bed.FolderAsync(bed.Anna, SpecialUse.Inbox), await bed.FolderAsync(bed.Bert, SpecialUse.Trash));
        var bert = bed.Bert.Actor;

        Assert.IsType<NotFound>((await bed.Mail.ListAsync(bert, inbox.Id, null, Cancel)).Refusal);
        Assert.IsType<NotFound>((await bed.Mail.FindAsync(bert, item, Cancel)).Refusal);
        Assert.IsType<NotFound>((await bed.Mail.OpenAsync(bert, item, Cancel)).Refusal);
        Assert.IsType<NotFound>((await bed.Mail.OpenRawAsync(bert, item, Cancel)).Refusal);
        Assert.IsType<NotFound>((await bed.Drafts.BeginAsync(bert, item, LetterKind.Reply, Cancel)).Refusal);
        Assert.IsType<NotFound>((await bed.Folders.EmptyAsync(bert, inbox.Id, Cancel)).Refusal);
        Assert.IsType<NotFound>((await bed.Mail.MoveAsync(bert, [item], inbox.Id, Cancel)).Refusal);
        Assert.Empty((await bed.Mail.MoveAsync(bert, [item], bertsTrash.Id, Cancel)).Value.Moved);
        Assert.Empty((await bed.Mail.DeleteAsync(bert, [item], Cancel)).Value.Moved);
        await bed.Mail.MarkAsync(bert, [item], MailFlags.Seen, MailFlags.None, Cancel);
        await bed.Mail.RecoverAsync(bert, [item], null, Cancel);

        var row = Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Inbox));
        Assert.Equal((item, true), (row.Id, row.IsUnread));
        Assert.Empty(await bed.ListAsync(bed.Bert, SpecialUse.Inbox));
    }

    [Theory, BothDatabases]
    public async Task Without_the_capability_nothing_opens_even_for_an_administrator(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Hello);
        var admin = Actor.ForAccount(bed.Anna.Actor.AccountId!.Value, "anna@portal.test", [new HeldRole(Role.Administrator, Scope.Everything)], Channel.Portal, null);

        Assert.IsType<NotPermitted>((await bed.Mail.OverviewAsync(admin, Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await bed.Mail.OpenAsync(admin, item, Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await bed.Mail.DeleteAsync(admin, [item], Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await bed.Database.Get<OperatorMailService>().ListAllAsync(admin, "anna@portal.test", 0, Cancel)).Refusal);
    }

    [Theory, BothDatabases]
    public async Task The_operator_lists_and_reads_any_mailbox_and_is_audited(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Hello);
        var service = bed.Database.Get<OperatorMailService>();

        var listed = Assert.Single((await service.ListAllAsync(Actor.Operator(), "Anna@Portal.test", 0, Cancel)).Value);
        await using var raw = (await service.OpenRawAsync(Actor.Operator(), "anna@portal.test", item, Cancel)).Value;
        var text = await new StreamReader(raw).ReadToEndAsync(Cancel);

        Assert.Equal((item, "INBOX", "Hello"), (listed.Id, listed.Folder, listed.Subject));
        Assert.Equal("Return-Path: <carl@example.org>\r\n" + Hello.ReplaceLineEndings("\r\n"), text);
        Assert.Equal(["mail.list", "mail.read"], await bed.Database.ReadAsync(db => db.Audit.OrderBy(a => a.Id).Select(a => a.Action).ToListAsync()));
        Assert.IsType<NotFound>((await service.OpenRawAsync(Actor.Operator(), "bert@portal.test", item, Cancel)).Refusal);
        Assert.IsType<NotFound>((await service.ListAllAsync(Actor.Operator(), "nobody@portal.test", 0, Cancel)).Refusal);
    }

    [Theory, BothDatabases]
    public async Task Every_change_tells_the_feed_whose_mailbox_it_was(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Hello);
        var heard = new List<(Change, Guid?)>();
        using var subscription = bed.Database.Feed.Subscribe((change, id) => heard.Add((change, id)));

        await bed.Mail.MarkAsync(bed.Anna.Actor, [item], MailFlags.Seen, MailFlags.None, Cancel);

        Assert.Contains((Change.Mail, bed.Anna.MailboxId), heard);
    }
}
