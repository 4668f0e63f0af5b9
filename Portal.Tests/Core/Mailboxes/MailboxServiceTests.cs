using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Mailboxes;

public class MailboxServiceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

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

    private const string All = "CreateAsync SetQuotaAsync RenameAsync DisableAsync EnableAsync DeleteAsync RestoreAsync";

    [Theory]
    [BothDatabases(Role.User, HeldIn.Everything, "")]
    [BothDatabases(Role.User, HeldIn.ItsDomain, "")]
    [BothDatabases(Role.User, HeldIn.AnotherDomain, "")]
    [BothDatabases(Role.Helpdesk, HeldIn.Everything, "")]
    [BothDatabases(Role.Helpdesk, HeldIn.ItsDomain, "")]
    [BothDatabases(Role.Helpdesk, HeldIn.AnotherDomain, "")]
    [BothDatabases(Role.Auditor, HeldIn.Everything, "")]
    [BothDatabases(Role.Auditor, HeldIn.ItsDomain, "")]
    [BothDatabases(Role.Auditor, HeldIn.AnotherDomain, "")]
    [BothDatabases(Role.Administrator, HeldIn.Everything, All)]
    [BothDatabases(Role.Administrator, HeldIn.ItsDomain, All)]
    [BothDatabases(Role.Administrator, HeldIn.AnotherDomain, "")]
    public async Task Permissions(DatabaseKind kind, Role role, HeldIn scope, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (own, other) = (await database.AddDomainAsync(), await database.AddDomainAsync("other.test"));
        var anna = (await database.AddMailboxAsync("anna@portal.test")).MailboxId;
        var actor = With(role, scope switch { HeldIn.Everything => null, HeldIn.ItsDomain => own, _ => other });
        var service = database.Get<MailboxService>();
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["CreateAsync"] = async () => await service.CreateAsync(actor, new NewMailbox("bert@portal.test", "Bert", FirstCredential.None), Cancel),
            ["SetQuotaAsync"] = () => service.SetQuotaAsync(actor, anna, 0, 1_000, Cancel),
            ["RenameAsync"] = () => service.RenameAsync(actor, anna, 1, "Anna Berg", Cancel),
            ["DisableAsync"] = () => service.DisableAsync(actor, anna, Cancel),
            ["EnableAsync"] = () => service.EnableAsync(actor, anna, Cancel),
            ["DeleteAsync"] = () => service.DeleteAsync(actor, anna, Cancel),
            ["RestoreAsync"] = () => service.RestoreAsync(actor, anna, Cancel),
        };
        var before = await database.AuditedActionsAsync();

        await PermissionMatrix.CheckAsync<MailboxService>(calls, allowed, isHidden: scope == HeldIn.AnotherDomain);

        Assert.Equal(allowed.Length == 0 ? 0 : calls.Count, (await database.AuditedActionsAsync()).Count - before.Count);
    }

    private static async Task<CreatedMailbox> AddAsync(TestDatabase database, string address) =>
        (await database.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox(address, "Somebody", FirstCredential.None), CancellationToken.None)).Value;
}
