using Microsoft.EntityFrameworkCore;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Quotas;
using Portal.Tests.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Quotas;

public class QuotaWatchTests
{
    private const long Quota = 1_000;

    /// <summary>Counters are at most a second old.</summary>
    private static readonly TimeSpan Noticed = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FiveDays = TimeSpan.FromDays(5);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_message_fits_to_the_last_byte_and_one_byte_more_asks_to_come_back(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, usedBytes: 960);

        Assert.Equal(QuotaVerdict.Room, await JudgeAsync(database, anna, sizeBytes: 40));
        Assert.Equal(QuotaVerdict.Full, await JudgeAsync(database, anna, sizeBytes: 41));
        Assert.Null(await FullSinceAsync(database));
    }

    [Theory, BothDatabases]
    public async Task Five_days_count_from_when_nothing_is_left_and_not_before(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, usedBytes: 999);
        for (var day = 0; day < 6; day++)
        {
            Assert.Equal(QuotaVerdict.Full, await JudgeAsync(database, anna, sizeBytes: 2));
            database.Clock.Advance(TimeSpan.FromDays(1));
        }

        await UseAsync(database, anna, Quota);
        database.Clock.Advance(Noticed);
        var full = database.Clock.GetUtcNow();
        Assert.Equal(QuotaVerdict.Full, await JudgeAsync(database, anna));
        Assert.Equal(full, await FullSinceAsync(database));

        database.Clock.Advance(FiveDays - TimeSpan.FromTicks(1));
        Assert.Equal(QuotaVerdict.Full, await JudgeAsync(database, anna));
        database.Clock.Advance(Noticed);
        Assert.Equal(QuotaVerdict.Exceeded, await JudgeAsync(database, anna));
    }

    [Theory, BothDatabases]
    public async Task Exactly_five_days_are_enough(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, usedBytes: Quota);
        Assert.Equal(QuotaVerdict.Full, await JudgeAsync(database, anna));

        database.Clock.Advance(FiveDays);

        Assert.Equal(QuotaVerdict.Exceeded, await JudgeAsync(database, anna));
    }

    [Theory, BothDatabases]
    public async Task Ten_percent_over_is_exceeded_at_once_and_one_byte_less_is_not(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, usedBytes: 1_100);
        Assert.Equal(QuotaVerdict.Full, await JudgeAsync(database, anna));

        await UseAsync(database, anna, 1_101);
        database.Clock.Advance(Noticed);

        Assert.Equal(QuotaVerdict.Exceeded, await JudgeAsync(database, anna));
    }

    [Theory, BothDatabases]
    public async Task Room_found_by_the_next_mail_ends_the_five_days(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, usedBytes: Quota);
        Assert.Equal(QuotaVerdict.Full, await JudgeAsync(database, anna));

        await database.ReadAsync(db => db.MailboxUses.ExecuteUpdateAsync(u => u.SetProperty(x => x.Bytes, Quota - 1), Cancel));   // "full since" stays, as an older program left it
        database.Clock.Advance(Noticed);

        Assert.Equal(QuotaVerdict.Room, await JudgeAsync(database, anna));
        Assert.Null(await FullSinceAsync(database));
    }

    [Theory, BothDatabases]
    public async Task A_new_quota_ends_the_five_days_only_where_it_makes_room(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, usedBytes: 1_050);
        await JudgeAsync(database, anna);
        var full = await FullSinceAsync(database);
        Assert.NotNull(full);

        await SetQuotaAsync(database, anna, 1_050);
        Assert.Equal(full, await FullSinceAsync(database));
        await SetQuotasAsync(database, anna, 1_049);
        Assert.Equal(full, await FullSinceAsync(database));

        await SetQuotasAsync(database, anna, 1_051);
        Assert.Null(await FullSinceAsync(database));
    }

    [Theory, BothDatabases]
    public async Task Removing_items_ends_the_five_days_only_where_it_makes_room(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var (first, second) = (await bed.DeliverAsync(bed.Anna, Mail.Text), await bed.DeliverAsync(bed.Anna, Mail.Text));
        var size = await bed.Database.ReadAsync(db => db.MailboxUses.Where(u => u.MailboxId == bed.Anna.MailboxId).Select(u => u.Bytes / 2).SingleAsync(Cancel));
        await SetQuotaAsync(bed.Database, bed.Anna.MailboxId, size);
        Assert.Equal(QuotaVerdict.Exceeded, (await bed.Database.Get<QuotaWatch>().JudgeAsync(bed.Anna.MailboxId, size, 0, Cancel)).Verdict);
        await bed.Database.WriteAsync(db => db.MailboxUses.Update(new MailboxUse { MailboxId = bed.Anna.MailboxId, Bytes = 2 * size, Items = 2, FullSince = TestDatabase.Start }));

        await RemoveAsync(bed, first);
        Assert.Equal(TestDatabase.Start, await FullSinceAsync(bed.Database, bed.Anna.MailboxId));   // full to the last byte still

        await RemoveAsync(bed, second);
        Assert.Null(await FullSinceAsync(bed.Database, bed.Anna.MailboxId));
    }

    private static async Task RemoveAsync(MailBed bed, long item)
    {
        var inbox = (await bed.FolderAsync(bed.Anna, SpecialUse.Inbox)).Id;
        using var turn = await bed.Database.Gate.EnterAsync(Cancel);
        await using var db = await bed.Database.Databases.CreateDbContextAsync(Cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(Cancel);
        await FolderRows.HoldUseAsync(db, bed.Anna.MailboxId, Cancel);
        await MailRemover.RemoveAsync(db, bed.Anna.MailboxId, [item], await FolderRows.HoldAsync(db, [inbox], Cancel), bed.Database.Clock.GetUtcNow(), Cancel);
        await transaction.CommitAsync(Cancel);
    }

    private static async Task<Guid> AddAsync(TestDatabase database, long usedBytes)
    {
        await database.AddDomainAsync();
        var anna = (await database.AddMailboxAsync("anna@portal.test", quotaBytes: Quota)).MailboxId;
        await UseAsync(database, anna, usedBytes);
        return anna;
    }

    private static async Task<QuotaVerdict> JudgeAsync(TestDatabase database, Guid mailbox, long sizeBytes = 0) =>
        (await database.Get<QuotaWatch>().JudgeAsync(mailbox, Quota, sizeBytes, Cancel)).Verdict;

    private static Task UseAsync(TestDatabase database, Guid mailbox, long bytes) => database.WriteAsync(db => db.MailboxUses.Update(new MailboxUse { MailboxId = mailbox, Bytes = bytes }));

    private static async Task SetQuotaAsync(TestDatabase database, Guid mailbox, long quota) =>
        Assert.True((await database.Get<MailboxService>().SetQuotaAsync(Actor.Operator(), mailbox, await database.ReadAsync(db => db.Mailboxes.Where(m => m.Id == mailbox).Select(m => m.Version).SingleAsync()), quota, Cancel)).IsDone);

    private static async Task SetQuotasAsync(TestDatabase database, Guid mailbox, long quota) =>
        Assert.True((await database.Get<MailboxBulkService>().ApplyAsync(Actor.Operator(), MailboxSelection.Of(mailbox), new(MailboxAct.SetQuota, quota), Cancel)).IsDone);

    private static Task<DateTimeOffset?> FullSinceAsync(TestDatabase database, Guid? mailbox = null) =>
        database.ReadAsync(db => db.MailboxUses.Where(u => mailbox == null || u.MailboxId == mailbox).Select(u => u.FullSince).SingleAsync(Cancel));
}
