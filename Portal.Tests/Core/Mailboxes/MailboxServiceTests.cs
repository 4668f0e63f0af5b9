using Microsoft.EntityFrameworkCore;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Mailboxes;

public class MailboxServiceTests
{
    [Theory, BothDatabases]
    public async Task Of_several_who_make_the_same_mailbox_one_wins_and_no_account_is_left_over(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var service = database.Get<MailboxService>();

        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
            service.CreateAsync(Actor.Operator(), new NewMailbox("anna@portal.test", $"Anna {i}", FirstCredential.None), CancellationToken.None))));

        Assert.Single(made, m => m.IsDone);
        Assert.All(made.Where(m => !m.IsDone), m => Assert.Equal("AddressTaken", m.Refusal!.Key));
        Assert.Equal((1, 1), await database.ReadAsync(async db => (await db.Accounts.CountAsync(), await db.Mailboxes.CountAsync())));
    }

    [Theory, BothDatabases]
    public async Task Within_its_grace_a_deleted_mailbox_comes_back_as_it_was(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var anna = await AddAsync(database, "anna@portal.test");
        var service = database.Get<MailboxService>();
        Assert.True((await service.DeleteAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);
        database.Clock.Advance(MailboxService.Grace - TimeSpan.FromMinutes(1));

        Assert.Equal(0, await database.Get<MailboxEnder>().EndDueAsync(CancellationToken.None));
        Assert.True((await service.RestoreAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);

        Assert.Equal(MailboxState.Active, await database.ReadAsync(db => db.Mailboxes.Select(m => m.State).SingleAsync()));
    }

    [Theory, BothDatabases]
    public async Task After_its_grace_a_mailbox_ends_with_all_it_held_and_its_address_is_free_again(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var anna = await AddAsync(database, "anna@portal.test");
        var bert = await AddAsync(database, "bert@portal.test");
        Assert.True((await database.Get<MailboxService>().DeleteAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);
        database.Clock.Advance(MailboxService.Grace + TimeSpan.FromHours(2));

        Assert.Equal("MailboxGraceOver", (await database.Get<MailboxService>().RestoreAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).Refusal!.Key);
        Assert.Equal(1, await database.Get<MailboxEnder>().EndDueAsync(CancellationToken.None));

        Assert.Equal([bert.MailboxId], await database.ReadAsync(db => db.Mailboxes.Select(m => m.Id).ToListAsync()));
        Assert.Equal([bert.AccountId], await database.ReadAsync(db => db.Accounts.Select(a => a.Id).ToListAsync()));
        Assert.False(await database.ReadAsync(db => db.Folders.AnyAsync(f => f.MailboxId == anna.MailboxId)));
        Assert.Contains("mailbox.end anna@portal.test", await database.AuditedActionsAsync());
        Assert.True((await database.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox("anna@portal.test", "Another Anna"), CancellationToken.None)).IsDone);
    }

    private static async Task<CreatedMailbox> AddAsync(TestDatabase database, string address) =>
        (await database.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox(address, "Somebody", FirstCredential.None), CancellationToken.None)).Value;
}
