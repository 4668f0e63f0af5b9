using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Accounts;

public class AccountListServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task People_are_found_by_name_address_and_alias(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.SeedDomainAsync("portal.example", domain.Id);
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var bo = await database.AddMailboxAsync("bo@portal.test", null, Role.Helpdesk);
        await database.Get<MailboxService>().RenameAsync(Administrator, anna.MailboxId, 0, "Änne Berg", Cancel);
        await database.AliasService().CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = "chief", MailboxId = anna.MailboxId }, Cancel);

        async Task<string[]> Find(AccountQuery query) => [.. (await database.Get<AccountListService>().SearchAsync(Administrator, query, Cancel)).Value.Rows.Select(r => r.LoginName)];

        Assert.Equal(["anna@portal.test", "bo@portal.test"], await Find(new AccountQuery()));
        Assert.Equal(["anna@portal.test"], await Find(new AccountQuery { Text = "BERG" }));
        Assert.Equal(["anna@portal.test"], await Find(new AccountQuery { Text = "chief@portal.test" }));
        Assert.Equal(["anna@portal.test"], await Find(new AccountQuery { Text = "Chief@portal.example" }));
        Assert.Equal(["anna@portal.test"], await Find(new AccountQuery { Text = "Anna+Shop@portal.test" }));
        Assert.Equal(["anna@portal.test"], await Find(new AccountQuery { Text = "chief+news@portal.example" }));
        Assert.Empty(await Find(new AccountQuery { Text = "nobody+anna@portal.test" }));
        await database.AliasService().CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = "anna+bo", MailboxId = bo.MailboxId }, Cancel);
        await database.AliasService().CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = "anna+out", Targets = ["x@example.org"] }, Cancel);
        Assert.Equal(["bo@portal.test"], await Find(new AccountQuery { Text = "anna+bo@portal.test" }));
        Assert.Empty(await Find(new AccountQuery { Text = "anna+out@portal.test" }));
        Assert.Equal(["bo@portal.test"], await Find(new AccountQuery { Role = Role.Helpdesk }));
        Assert.Empty(await Find(new AccountQuery { IsDisabled = true }));
    }

    [Theory, BothDatabases]
    public async Task The_card_says_why_the_last_sign_in_failed_and_who_has_to_wait(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.SeedDomainAsync();
        var made = await database.Get<MailboxService>().CreateAsync(Administrator, new NewMailbox("anna@portal.test", "Anna", FirstCredential.Password), Cancel);
        var authenticator = database.Get<AccountAuthenticator>();
        for (var i = 0; i < 5; i++)
        {
            await authenticator.VerifyAsync("anna@portal.test", "not her password", IPAddress.Parse("192.0.2.9"), Channel.Smtp, Cancel);
            database.Clock.Advance(TimeSpan.FromSeconds(3));
        }

        await authenticator.VerifyAsync("anna@portal.test", "not her password", IPAddress.Parse("192.0.2.9"), Channel.Smtp, Cancel);
        var card = (await database.Get<AccountListService>().GetAsync(With(Role.Helpdesk), made.Value.AccountId, Cancel)).Value;

        Assert.Equal((SignInResultKind.WrongPassword, Channel.Smtp, "192.0.2.9"), (card.LastFailure!.Result, card.LastFailure.Channel, card.LastFailure.Address));
        Assert.Contains("192.0.2.9", Assert.Single(card.Slowed).Network, StringComparison.Ordinal);
        Assert.Equal((true, "anna@portal.test", null), (card.IsRankSafe, card.Mailbox?.Address, card.Row.LastSignInAt));
        Assert.True((await database.Get<AccountService>().UnlockAsync(With(Role.Helpdesk), made.Value.AccountId, Cancel)).IsDone);
        Assert.Empty((await database.Get<AccountListService>().GetAsync(With(Role.Helpdesk), made.Value.AccountId, Cancel)).Value.Slowed);
    }

    [Theory, BothDatabases]
    public async Task Roles_held_in_a_domain_only_stay_there_when_those_held_everywhere_are_set(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var mine = await database.SeedDomainAsync("mine.test");
        var anna = await database.AddMailboxAsync("anna@mine.test");
        await database.WriteAsync(db => db.RoleAssignments.Add(new RoleAssignment { AccountId = anna.AccountId, Role = Role.Administrator, DomainId = mine.Id }));

        Assert.True((await database.Get<AccountService>().SetRolesAsync(With(Role.Administrator), anna.AccountId, 0, [Role.Auditor], Cancel)).IsDone);

        Assert.Equal([(Role.Auditor, (Guid?)null), (Role.Administrator, mine.Id)], await database.ReadAsync(async db =>
            (await db.RoleAssignments.Where(r => r.AccountId == anna.AccountId).OrderBy(r => r.Role).ToListAsync(Cancel)).Select(r => (r.Role, r.DomainId))));
        Assert.Contains("Administrator@mine.test", await database.ReadAsync(db => db.Audit.Where(a => a.Action == "account.roles.set").Select(a => a.After!).SingleAsync(Cancel)), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task Rank_and_scope_hold_for_every_act_on_an_account(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var mine = await database.SeedDomainAsync("mine.test");
        await database.SeedDomainAsync("other.test");
        var boss = await database.AddMailboxAsync("boss@mine.test", null, Role.Administrator);
        var local = await database.AddMailboxAsync("local@mine.test");
        var stranger = await database.AddMailboxAsync("stranger@other.test");
        var accounts = database.Get<AccountService>();
        var (helpdesk, scoped) = (With(Role.Helpdesk), With(Role.Administrator, mine.Id));

        Assert.IsType<NotPermitted>((await accounts.ResetPasswordAsync(helpdesk, boss.AccountId, true, Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await accounts.UnlockAsync(helpdesk, boss.AccountId, Cancel)).Refusal);
        Assert.False((await database.Get<AccountListService>().GetAsync(helpdesk, boss.AccountId, Cancel)).Value.IsRankSafe);

        // An administrator of one domain: not over the administrator of all, not outside, and no grants that reach further.
        Assert.IsType<NotPermitted>((await accounts.ResetPasswordAsync(scoped, boss.AccountId, true, Cancel)).Refusal);
        Assert.Equal("NotFoundAccount", (await accounts.ResetPasswordAsync(scoped, stranger.AccountId, true, Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundAccount", (await database.Get<AccountListService>().GetAsync(scoped, stranger.AccountId, Cancel)).Refusal?.Key);
        Assert.Empty(await accounts.RecentSignInsAsync(scoped, stranger.AccountId, 10, Cancel));
        Assert.IsType<NotPermitted>((await accounts.SetRolesAsync(scoped, local.AccountId, 0, [Role.Administrator], Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await database.Get<MailboxService>().CreateAsync(scoped, new NewMailbox("puppet@mine.test", "Puppet") { Roles = [Role.Administrator] }, Cancel)).Refusal);
        Assert.True((await accounts.ResetPasswordAsync(scoped, local.AccountId, true, Cancel)).IsDone);
    }

    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "SearchAsync GetAsync")]
    [BothDatabases(Role.Administrator, "SearchAsync GetAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.SeedDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["SearchAsync"] = async () => await database.Get<AccountListService>().SearchAsync(With(role), new AccountQuery(), Cancel),
            ["GetAsync"] = async () => await database.Get<AccountListService>().GetAsync(With(role), anna.AccountId, Cancel),
        };

        await PermissionMatrix.CheckAsync<AccountListService>(calls, allowed);
    }
}
