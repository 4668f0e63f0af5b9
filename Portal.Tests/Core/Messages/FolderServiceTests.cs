using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class FolderServiceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_folder_is_made_renamed_and_deleted_and_its_mail_goes_to_Trash(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var id = (await bed.Folders.CreateAsync(bed.Anna.Actor, "  Projects ", Cancel)).Value;
        var (kept, removed) = (await bed.DeliverAsync(bed.Anna, "Subject: 1\n\nx\n"), await bed.DeliverAsync(bed.Anna, "Subject: 2\n\nx\n", SpecialUse.Trash));
        await bed.Mail.DeleteAsync(bed.Anna.Actor, [removed], Cancel);
        await bed.Mail.RecoverAsync(bed.Anna.Actor, [removed], id, Cancel);
        await bed.Mail.MoveAsync(bed.Anna.Actor, [kept], id, Cancel);

        Assert.True((await bed.Folders.RenameAsync(bed.Anna.Actor, id, "Plans", Cancel)).IsDone);
        Assert.Equal("Plans", (await bed.Mail.OverviewAsync(bed.Anna.Actor, Cancel)).Value.Folders.Single(f => f.Id == id).Name);
        Assert.True((await bed.Folders.DeleteAsync(bed.Anna.Actor, id, Cancel)).Value);

        Assert.DoesNotContain((await bed.Mail.OverviewAsync(bed.Anna.Actor, Cancel)).Value.Folders, f => f.Id == id);
        Assert.Equal(2, (await bed.ListAsync(bed.Anna, SpecialUse.Trash)).Count);
    }

    [Theory, BothDatabases]
    public async Task Names_that_cannot_be_taken_are_refused_with_their_reason(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        await bed.Folders.CreateAsync(bed.Anna.Actor, "Projects", Cancel);

        async Task<string> RefusedAsync(string name) => (await bed.Folders.CreateAsync(bed.Anna.Actor, name, Cancel)).Refusal!.Key;
        Assert.Equal("FolderExists", await RefusedAsync("Projects"));
        Assert.Equal("FolderExists", await RefusedAsync("inbox"));
        Assert.Equal("FolderNameLength", await RefusedAsync(" "));
        Assert.Equal("FolderNameLength", await RefusedAsync(new string('x', 101)));
        Assert.Equal("FolderNameCharacters", await RefusedAsync("a/b"));
        Assert.Equal("FolderNameCharacters", await RefusedAsync("a*"));
    }

    [Theory, BothDatabases]
    public async Task Two_makers_of_one_name_at_once_get_one_folder_and_one_sentence(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => bed.Folders.CreateAsync(bed.Anna.Actor, "Same", Cancel), Cancel)));

        Assert.Single(outcomes, o => o.IsDone);
        Assert.All(outcomes.Where(o => !o.IsDone), o => Assert.Equal("FolderExists", o.Refusal!.Key));
    }

    [Theory, BothDatabases]
    public async Task Standard_folders_and_those_of_others_stay_as_they_are(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var inbox = await bed.FolderAsync(bed.Anna, SpecialUse.Inbox);
        var own = (await bed.Folders.CreateAsync(bed.Anna.Actor, "Mine", Cancel)).Value;

        Assert.Equal("FolderIsFixed", (await bed.Folders.RenameAsync(bed.Anna.Actor, inbox.Id, "X", Cancel)).Refusal!.Key);
        Assert.Equal("FolderIsFixed", (await bed.Folders.DeleteAsync(bed.Anna.Actor, inbox.Id, Cancel)).Refusal!.Key);
        Assert.Equal("FolderNotEmptied", (await bed.Folders.EmptyAsync(bed.Anna.Actor, inbox.Id, Cancel)).Refusal!.Key);
        Assert.IsType<NotFound>((await bed.Folders.RenameAsync(bed.Bert.Actor, own, "X", Cancel)).Refusal);
        Assert.IsType<NotFound>((await bed.Folders.DeleteAsync(bed.Bert.Actor, own, Cancel)).Refusal);
    }

    [Theory, BothDatabases]
    public async Task Over_500_items_become_work_that_runs_in_turns_and_spares_what_came_later(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        await Task.WhenAll(Enumerable.Range(0, 620).Select(_ => bed.AcceptAsync("Subject: x\r\n\r\nx\r\n"u8.ToArray(), new LocalDelivery(bed.Anna.MailboxId, SpecialUse.Trash, MailFlags.None, -1))));
        var trash = await bed.FolderAsync(bed.Anna, SpecialUse.Trash);

        Assert.False((await bed.Folders.EmptyAsync(bed.Anna.Actor, trash.Id, Cancel)).Value);
        Assert.Equal(120, (await bed.FolderAsync(bed.Anna, SpecialUse.Trash)).Items);
        var later = await bed.DeliverAsync(bed.Anna, "Subject: later\n\nx\n", SpecialUse.Trash);

        await bed.Database.Get<WorkRunner>().RunPendingAsync(Cancel);

        Assert.Equal([later], (await bed.ListAsync(bed.Anna, SpecialUse.Trash)).Select(r => r.Id));
        Assert.Equal(620, await bed.Database.ReadAsync(db => db.MailItems.CountAsync(i => i.DeletedAt != null)));
        Assert.Equal(WorkState.Done, (await bed.Database.ReadAsync(db => db.Work.SingleAsync())).State);
    }

    [Theory, BothDatabases]
    public async Task What_a_turn_did_to_a_folder_is_news_to_its_own_mailbox_only(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        await bed.DeliverAsync(bed.Anna, "Subject: 1\n\nx\n", SpecialUse.Trash);
        var (trash, own) = (await bed.FolderAsync(bed.Anna, SpecialUse.Trash), (await bed.Folders.CreateAsync(bed.Anna.Actor, "Mine", Cancel)).Value);
        await AddWorkAsync(EmptyFolderWork.Name, trash.Id, long.MaxValue);
        await AddWorkAsync(DeleteFolderWork.Name, own, 0);
        var heard = new ConcurrentQueue<(Change Area, Guid? MailboxId)>();
        using var subscription = bed.Database.Feed.Subscribe((area, mailbox) => heard.Enqueue((area, mailbox)));

        await bed.Database.Get<WorkRunner>().RunPendingAsync(Cancel);

        Assert.Equal([(Change.Mail, bed.Anna.MailboxId), (Change.Mail, bed.Anna.MailboxId)], heard.Where(h => h.Area == Change.Mail));
        // A counter that rises tells no mailbox: every other node would hear of any.
        Assert.Equal(0, await bed.Database.ReadAsync(db => db.ChangeCounters.Where(c => c.Area == Change.Mail).Select(c => c.Value).SingleAsync(Cancel)));

        Task AddWorkAsync(string name, long folderId, long below) => bed.Database.WriteAsync(db => db.Work.Add(new Work
        {
            Kind = name,
            Input = JsonSerializer.Serialize(new FolderTask(bed.Anna.MailboxId, folderId, below)),
            TotalRows = 1,
            CreatedAt = TestDatabase.Start,
            ActorName = "test",
        }));
    }
}
