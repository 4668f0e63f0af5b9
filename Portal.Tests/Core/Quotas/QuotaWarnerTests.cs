using Microsoft.EntityFrameworkCore;
using Portal.Core.Alerts;
using Portal.Core.Mailboxes;
using Portal.Core.Quotas;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Quotas;

/// <summary>Owners are told once when their mailbox passes 80 and 95 %, and again only after it was below.</summary>
public class QuotaWarnerTests
{
    private const long Quota = 1_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Each_mark_is_told_once_and_again_only_after_it_was_below(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var anna = (await database.AddMailboxAsync("anna@portal.test", Quota)).MailboxId;

        foreach (var (used, told) in new (long, int)[] { (799, 0), (800, 1), (790, 1), (800, 1), (749, 1), (800, 2), (949, 2), (950, 3), (1_200, 3), (900, 3), (960, 3), (899, 3), (960, 4), (10, 4), (850, 5), (1_000, 6) })
        {
            await database.WriteAsync(db => db.MailboxUses.Single(u => u.MailboxId == anna).Bytes = used);
            await database.Part<QuotaWarner>().RunAsync(Cancel);
            Assert.True(told == await NoticesAsync(database), $"{used}: {await NoticesAsync(database)} instead of {told}");
        }

        var last = await database.ReadAsync(db => db.OwnerNotices.AsNoTracking().OrderBy(n => n.Id).LastAsync());
        Assert.Equal((OwnerNoticeKind.Quota, anna, 1_000L, Quota), (last.Kind, last.MailboxId, last.UsedBytes, last.QuotaBytes));
    }

    [Theory, BothDatabases]
    public async Task Without_a_quota_or_after_the_end_nobody_is_told_and_the_largest_quota_is_no_fault(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var (gone, huge) = (await AddAsync("gone", Quota), await AddAsync("huge", long.MaxValue / 2));
        await AddAsync("free", null);
        await AddAsync("none", 0);
        await database.WriteAsync(db =>
        {
            foreach (var use in db.MailboxUses) use.Bytes = use.MailboxId == huge ? long.MaxValue / 2 : 1_000_000;
            db.Mailboxes.Single(m => m.Id == gone).State = MailboxState.Deleted;
        });

        await database.Part<QuotaWarner>().RunAsync(Cancel);

        Assert.Equal([huge], await database.ReadAsync(db => db.OwnerNotices.Select(n => n.MailboxId).ToListAsync()));

        async Task<Guid> AddAsync(string name, long? quota) => (await database.AddMailboxAsync($"{name}@portal.test", quota)).MailboxId;
    }

    [Theory, BothDatabases]
    public async Task More_than_one_turn_holds_are_all_told(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        await database.WriteAsync(db =>
        {
            for (var i = 0; i < QuotaWarner.MaxRows + 5; i++)
            {
                var mailbox = new Mailbox { Name = $"m{i}", DomainId = domain, PrimaryAddress = $"m{i}@portal.test", QuotaOverrideBytes = Quota };
                db.Mailboxes.Add(mailbox);
                db.MailboxUses.Add(new MailboxUse { MailboxId = mailbox.Id, Bytes = 900 });
            }
        });

        await database.Part<QuotaWarner>().RunAsync(Cancel);

        Assert.Equal(QuotaWarner.MaxRows + 5, await NoticesAsync(database));
    }

    private static Task<int> NoticesAsync(TestDatabase database) => database.ReadAsync(db => db.OwnerNotices.CountAsync());
}
