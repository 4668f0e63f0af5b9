using FsCheck.Fluent;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

/// <summary>Whatever is done in whatever order: UIDs are never used twice, counters tell what is there, MODSEQ only grows (RFC 3501 §2.3.1.1, RFC 7162).</summary>
public class UidInvariantTests
{
    private static readonly SpecialUse[] Uses = [SpecialUse.Inbox, SpecialUse.Archive, SpecialUse.Trash];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Uids_counters_and_modseqs_hold_after_any_sequence(DatabaseKind kind)
    {
        var step = Gen.Choose(0, 6).SelectMany(what => Gen.Choose(0, 1000).Select(which => (What: what, Which: which)));
        foreach (var steps in step.ArrayOf(25).Sample(kind == DatabaseKind.Sqlite ? 12 : 6))
        {
            await using var bed = await MailBed.CreateAsync(kind);
            var highest = new Dictionary<long, long>();
            for (var i = 0; i < steps.Length; i++)
            {
                await DoAsync(bed, steps[i].What, steps[i].Which);
                await CheckAsync(bed, highest, string.Join(" ", steps[..(i + 1)]));
            }
        }
    }

    [Theory, BothDatabases]
    public async Task Two_people_moving_the_same_items_at_once_lose_none_and_double_none(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var items = new List<long>();
        for (var i = 0; i < 20; i++) items.Add(await bed.DeliverAsync(bed.Anna, $"Subject: {i}\n\n{i}\n"));
        var folders = new List<long>();
        foreach (var use in Uses) folders.Add((await bed.FolderAsync(bed.Anna, use)).Id);

        await Task.WhenAll(Enumerable.Range(0, 24).Select(i => Task.Run(async () =>
        {
            if (i % 4 == 3) await bed.Mail.DeleteAsync(bed.Anna.Actor, items.Where((_, n) => n % 5 == i % 5).ToList(), Cancel);
            else if (i % 4 == 2) await bed.Mail.MarkAsync(bed.Anna.Actor, items, MailFlags.Seen, MailFlags.None, Cancel);
            else await bed.Mail.MoveAsync(bed.Anna.Actor, items, folders[i % 3], Cancel);
        }, Cancel)));

        await CheckAsync(bed, [], "at once");
        Assert.Equal(20, await bed.Database.ReadAsync(db => db.MailItems.CountAsync()));
    }

    private static async Task DoAsync(MailBed bed, int what, int which)
    {
        var items = await bed.Database.ReadAsync(db => db.MailItems.OrderBy(i => i.Id).Select(i => i.Id).ToListAsync());
        long[] some = items.Count == 0 ? [] : [items[which % items.Count], items[which * 7 % items.Count]];
        var actor = bed.Anna.Actor;
        switch (what)
        {
            case 0 or 1: await bed.DeliverAsync(bed.Anna, $"Subject: {which}\n\nx\n", Uses[which % 3], which % 2 == 0 ? MailFlags.None : MailFlags.Seen); break;
            case 2: await bed.Mail.MoveAsync(actor, some, (await bed.FolderAsync(bed.Anna, Uses[which % 3])).Id, Cancel); break;
            case 3: await bed.Mail.DeleteAsync(actor, some, Cancel); break;
            case 4: await bed.Mail.RecoverAsync(actor, some, null, Cancel); break;
            case 5: await bed.Mail.MarkAsync(actor, some, which % 2 == 0 ? MailFlags.Seen : MailFlags.None, which % 2 == 0 ? MailFlags.None : MailFlags.Seen, Cancel); break;
            case 6: await bed.Folders.EmptyAsync(actor, (await bed.FolderAsync(bed.Anna, SpecialUse.Trash)).Id, Cancel); break;
        }
    }

    private static async Task CheckAsync(MailBed bed, Dictionary<long, long> highest, string after)
    {
        var (folders, items, buried, use) = await bed.Database.ReadAsync(async db => (
            await db.Folders.AsNoTracking().Where(f => f.MailboxId == bed.Anna.MailboxId).ToListAsync(),
            await db.MailItems.AsNoTracking().ToListAsync(),
            await db.Expunged.AsNoTracking().ToListAsync(),
            await db.MailboxUses.AsNoTracking().SingleAsync(u => u.MailboxId == bed.Anna.MailboxId)));

        foreach (var folder in folders)
        {
            var live = items.Where(i => i.FolderId == folder.Id && i.Uid is not null).ToList();
            var dead = buried.Where(b => b.FolderId == folder.Id).ToList();
            var uids = live.Select(i => i.Uid!.Value).Concat(dead.Select(b => b.Uid)).ToList();
            Assert.True(uids.Distinct().Count() == uids.Count, $"{folder.Name}: a UID twice after {after}");
            Assert.True(uids.All(u => u > 0 && u < folder.UidNext) && uids.Count == folder.UidNext - 1, $"{folder.Name}: UIDs {string.Join(",", uids)} below {folder.UidNext} after {after}");
            Assert.True(live.Select(i => i.ModSeq).Concat(dead.Select(b => b.ModSeq)).All(m => m <= folder.HighestModSeq), $"{folder.Name}: MODSEQ after {after}");
            Assert.True(folder.HighestModSeq >= highest.GetValueOrDefault(folder.Id), $"{folder.Name}: HighestModSeq fell after {after}");
            highest[folder.Id] = folder.HighestModSeq;
            Assert.True((folder.Items, folder.Unseen) == (live.Count, live.Count(i => !i.Flags.HasFlag(MailFlags.Seen))), $"{folder.Name}: counts {folder.Items}/{folder.Unseen} after {after}");
        }

        Assert.All(items, i => Assert.Equal(i.DeletedAt is null, i.Uid is not null));
        var counted = items.Where(i => i.DeletedAt is null).ToList();
        Assert.Equal((counted.Sum(i => i.SizeBytes), counted.Count), (use.Bytes, use.Items));
    }
}
