using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Accounts;

public class AccountServiceTests
{
    private const string Password = "correct horse 電池 staple";

    private const string Own = "ChangeOwnPasswordAsync ChangeProfileAsync";

    private const string Desk = Own + " ResetPasswordAsync UnlockAsync SignOutEverywhereAsync RecentSignInsAsync";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [BothDatabases(Role.User, HeldIn.Everything, Own)]
    [BothDatabases(Role.User, HeldIn.ItsDomain, Own)]
    [BothDatabases(Role.User, HeldIn.AnotherDomain, Own)]
    [BothDatabases(Role.Auditor, HeldIn.Everything, Own)]
    [BothDatabases(Role.Auditor, HeldIn.ItsDomain, Own)]
    [BothDatabases(Role.Auditor, HeldIn.AnotherDomain, Own)]
    [BothDatabases(Role.Helpdesk, HeldIn.Everything, Desk)]
    [BothDatabases(Role.Helpdesk, HeldIn.ItsDomain, Desk)]
    [BothDatabases(Role.Helpdesk, HeldIn.AnotherDomain, Own)]
    [BothDatabases(Role.Administrator, HeldIn.Everything, Desk + " SetRolesAsync")]
    [BothDatabases(Role.Administrator, HeldIn.ItsDomain, Desk)]   // roles count everywhere: who holds a domain only gives none
    [BothDatabases(Role.Administrator, HeldIn.AnotherDomain, Own)]
    public async Task Permissions(DatabaseKind kind, Role role, HeldIn scope, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (its, other) = (await database.AddDomainAsync(), await database.AddDomainAsync("other.test"));
        var anna = (await database.AddMailboxAsync("anna@portal.test")).AccountId;
        await database.WriteAsync(db => db.SignIns.Add(new SignIn { AccountId = anna, At = database.Clock.GetUtcNow() }));
        var me = (await database.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox("me@other.test", "Me", FirstCredential.Given, Password), Cancel)).Value.AccountId;
        var held = new HeldRole(role, new Scope(scope switch { HeldIn.Everything => null, HeldIn.ItsDomain => its, _ => other }));
        var actor = Actor.ForAccount(me, "me@other.test", [held], Channel.Portal, "192.0.2.7");
        var service = database.Get<AccountService>();
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["ResetPasswordAsync"] = async () => await service.ResetPasswordAsync(actor, anna, asLink: true, Cancel),
            ["UnlockAsync"] = () => service.UnlockAsync(actor, anna, Cancel),
            ["SetRolesAsync"] = () => SetRolesAsync(),
            ["SignOutEverywhereAsync"] = () => service.SignOutEverywhereAsync(actor, anna, Cancel),
            ["RecentSignInsAsync"] = async () => (await service.RecentSignInsAsync(actor, anna, 10, Cancel)).Count == 1 ? Outcome.Done : new NotPermitted(Capability.ViewDirectory),   // somebody else's read as none
            ["ChangeOwnPasswordAsync"] = () => service.ChangeOwnPasswordAsync(actor, Password, "another horse 電池 staple", Cancel),
            ["ChangeProfileAsync"] = () => service.ChangeProfileAsync(actor, new ProfileChange("Me Myself", "en", "Europe/Berlin", ColourScheme.Dark), Cancel),
        };

        async Task<Outcome> SetRolesAsync() =>
            await service.SetRolesAsync(actor, anna, await database.ReadAsync(db => db.Accounts.Where(a => a.Id == anna).Select(a => a.Version).SingleAsync()), [Role.User], Cancel);

        await PermissionMatrix.CheckAsync<AccountService>(calls, allowed, isHidden: scope == HeldIn.AnotherDomain, needNoActor: [nameof(AccountService.FindLinkAsync), nameof(AccountService.RedeemFirstPasswordAsync)]);
    }

    [Theory, BothDatabases]
    public async Task Nobody_resets_their_own_password_not_even_an_administrator(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        foreach (var (address, role) in new[] { ("boss@portal.test", Role.Administrator), ("help@portal.test", Role.Helpdesk), ("anna@portal.test", Role.User) })
        {
            var own = (await database.AddMailboxAsync(address, null, role)).AccountId;
            var before = await database.ReadAsync(db => db.Accounts.AsNoTracking().SingleAsync(a => a.Id == own));
            var actor = Actor.ForAccount(own, address, [new HeldRole(role, Scope.Everything)], Channel.Portal, null);
            foreach (var asLink in new[] { true, false })
                Assert.Equal("OwnPassword", (await database.Get<AccountService>().ResetPasswordAsync(actor, own, asLink, Cancel)).Refusal?.Key);

            var after = await database.ReadAsync(db => db.Accounts.AsNoTracking().SingleAsync(a => a.Id == own));
            Assert.Equal((before.PasswordHash, before.SecurityStamp, before.Version), (after.PasswordHash, after.SecurityStamp, after.Version));
        }

        Assert.False(await database.ReadAsync(db => db.OneTimeLinks.AnyAsync()));
        Assert.False(await database.ReadAsync(db => db.Audit.AnyAsync(e => e.Action == "account.password.reset")));
    }

    [Theory]
    [BothDatabases(Role.Helpdesk)]
    [BothDatabases(Role.Auditor)]
    [BothDatabases(Role.User)]
    public async Task Nobody_without_the_capabilities_of_an_account_touches_it(DatabaseKind kind, Role role)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var boss = (await database.AddMailboxAsync("boss@portal.test", null, Role.Administrator)).AccountId;
        var (actor, service) = (Organisation.With(role), database.Get<AccountService>());

        Assert.IsType<NotPermitted>((await service.ResetPasswordAsync(actor, boss, asLink: true, Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await service.UnlockAsync(actor, boss, Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await service.SignOutEverywhereAsync(actor, boss, Cancel)).Refusal);
        Assert.IsType<NotPermitted>((await service.SetRolesAsync(actor, boss, 0, [Role.User], Cancel)).Refusal);
    }

    [Fact]
    public async Task Two_who_let_an_account_in_at_once_on_two_nodes_both_do()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        await database.AddDomainAsync();
        var anna = (await database.AddMailboxAsync("anna@portal.test")).AccountId;
        await using var another = database.AnotherNode();

        // The first has written and not committed; the second waits for it, and then finds its row.
        await using (var first = await database.Databases.CreateDbContextAsync(Cancel))
        await using (var second = await another.Databases.CreateDbContextAsync(Cancel))
        {
            await using var ours = await first.Database.BeginTransactionAsync(Cancel);
            await using var theirs = await second.Database.BeginTransactionAsync(Cancel);
            await SignInThrottleStore.WelcomeAsync(first, "anna@portal.test", database.Clock.GetUtcNow(), Cancel);
            var waiting = SignInThrottleStore.WelcomeAsync(second, "anna@portal.test", database.Clock.GetUtcNow(), Cancel);
            await ours.CommitAsync(Cancel);
            await waiting;
            await theirs.CommitAsync(Cancel);
        }

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => (i % 2 == 0 ? database : another).Get<AccountService>().UnlockAsync(Organisation.With(Role.Helpdesk), anna, Cancel)));

        Assert.All(outcomes, o => Assert.True(o.IsDone, o.Refusal?.Key));
        Assert.Equal(1, await database.ReadAsync(db => db.SignInThrottles.CountAsync()));
        Assert.Equal(4, await database.ReadAsync(db => db.Audit.CountAsync(e => e.Action == "account.unlock")));
    }
}
