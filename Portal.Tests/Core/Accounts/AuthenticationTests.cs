using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Accounts;

public class AuthenticationTests
{
    private const string Password = "seven green apples";
    private static readonly IPAddress Home = IPAddress.Parse("192.0.2.7");
    private static readonly IPAddress Elsewhere = IPAddress.Parse("198.51.100.9");

    [Theory, BothDatabases]
    public async Task A_right_password_signs_in_and_a_reset_ends_it_at_once(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, "anna@portal.test");
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "Anna@Portal.test", Password));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", Password));   // now from memory

        var reset = await database.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: false, CancellationToken.None);

        Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, "anna@portal.test", Password));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", reset.Value.Password!));
    }

    [Theory, BothDatabases]
    public async Task A_kept_link_opens_nothing_after_a_later_reset_a_new_role_or_another_password(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, "anna@portal.test");
        var accounts = database.Get<AccountService>();
        var kept = await LinkAsync();

        var newer = await LinkAsync();
        Assert.Equal("LinkSpent", (await accounts.RedeemFirstPasswordAsync(kept, "nine green apples", null, CancellationToken.None)).Refusal!.Key);
        Assert.True((await accounts.SetRolesAsync(Actor.Operator(), anna.AccountId, 2, [Role.User, Role.Administrator], CancellationToken.None)).IsDone);
        Assert.Equal("LinkSpent", (await accounts.RedeemFirstPasswordAsync(newer, "nine green apples", null, CancellationToken.None)).Refusal!.Key);
        var last = await LinkAsync();
        Assert.True((await accounts.RedeemFirstPasswordAsync(last, "nine green apples", "192.0.2.7", CancellationToken.None)).IsDone);
        Assert.Equal("192.0.2.7", await database.ReadAsync(db => db.SignIns.Where(s => s.Result == SignInResultKind.Succeeded).Select(s => s.Address).SingleAsync()));

        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", "nine green apples"));
        Assert.False(await database.ReadAsync(db => db.OneTimeLinks.AnyAsync(l => l.UsedAt == null)));

        async Task<string> LinkAsync() => (await accounts.ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: true, CancellationToken.None)).Value.LinkToken!;
    }

    [Theory, BothDatabases]
    public async Task Disable_ends_remembered_sign_ins_within_the_second(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, "anna@portal.test");
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", Password));

        Assert.True((await database.Get<MailboxService>().DisableAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);

        Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, "anna@portal.test", Password));
    }

    [Theory, BothDatabases]
    public async Task Failures_slow_down_one_name_in_one_network_known_or_not_and_unlock_ends_it(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, "anna@portal.test");
        foreach (var name in new[] { "anna@portal.test", "nobody@portal.test" })
        {
            for (var i = 0; i < 4; i++) Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, name, "wrong wrong wrong"));
            Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, name, "wrong wrong wrong"));
        }

        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, "anna@portal.test", Password));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", Password, Elsewhere));   // no stranger locks her out of her own network

        Assert.True((await database.Get<AccountService>().UnlockAsync(Actor.Operator(), anna.AccountId, CancellationToken.None)).IsDone);
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", Password));
    }

    [Theory, BothDatabases]
    public async Task Many_wrong_passwords_at_once_get_no_more_tries_than_one_after_the_other(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await AddAsync(database, "anna@portal.test");
        foreach (var name in new[] { "anna@portal.test", "nobody@portal.test" })
        {
            var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => TryAsync(database, name, $"wrong {i}"))));

            Assert.Equal((4, 16), (results.Count(r => r == AuthenticationKind.Failed), results.Count(r => r == AuthenticationKind.SlowedDown)));
            Assert.Equal(4, await database.ReadAsync(db => db.SignInThrottles.Where(t => t.LoginName == name).Select(t => t.Failures).SingleAsync()));
        }
    }

    [Theory, BothDatabases]
    public async Task Failures_on_several_nodes_at_once_are_all_counted_and_slow_down_on_each(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        // On SQLite there is one gate and one server; the other node is a store of its own beside it all the same.
        SignInThrottleStore[] nodes = [.. Enumerable.Range(0, 4).Select(_ => new SignInThrottleStore(database.Databases, database.Gate, database.Clock))];

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => nodes[i % nodes.Length].FailedAsync("anna@portal.test", Home, null, CancellationToken.None))));

        Assert.Equal(20, await database.ReadAsync(db => db.SignInThrottles.Where(t => t.LoginName == "anna@portal.test").Select(t => t.Failures).SingleAsync()));
        foreach (var node in nodes) Assert.Equal(TimeSpan.FromSeconds(300), (await node.PaceAsync("anna@portal.test", Home, CancellationToken.None)).Wait);
    }

    [Theory, BothDatabases]
    public async Task Many_right_passwords_at_once_all_sign_in_also_after_failures(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await AddAsync(database, "anna@portal.test");
        for (var i = 0; i < 3; i++) Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, "anna@portal.test", "wrong wrong wrong"));

        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => TryAsync(database, "anna@portal.test", Password))));

        Assert.All(results, r => Assert.Equal(AuthenticationKind.Succeeded, r));
        Assert.Equal(0, await database.ReadAsync(db => db.SignInThrottles.CountAsync(t => t.LoginName == "anna@portal.test")));
    }

    [Theory, BothDatabases]
    public async Task The_slow_down_passes_by_itself(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await AddAsync(database, "anna@portal.test");
        for (var i = 0; i < 4; i++) await TryAsync(database, "anna@portal.test", "wrong wrong wrong");
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, "anna@portal.test", Password));

        database.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", Password));
    }

    [Theory, BothDatabases]
    public async Task A_password_is_stored_as_a_hash_and_a_sealed_scram_verifier(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, "anna@portal.test");

        var account = await database.ReadAsync(db => db.Accounts.SingleAsync(a => a.Id == anna.AccountId));
        Assert.DoesNotContain("SCRAM", Encoding.Latin1.GetString(account.ScramVerifier!), StringComparison.Ordinal);
        var verifier = database.Get<SecretBox>().OpenText(nameof(Account), account.Id.ToString("N"), account.ScramVerifier);
        Assert.Matches(@"^SCRAM-SHA-256\$10000:[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$", verifier);
    }

    [Theory, BothDatabases]
    public async Task Nobody_touches_an_account_above_their_own_rank(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var admin = await database.AddMailboxAsync("admin@portal.test", null, Role.Administrator);
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var helpdesk = Actor.ForAccount(Guid.CreateVersion7(), "help@portal.test", [new HeldRole(Role.Helpdesk, Scope.Everything)], Channel.Portal, null);
        var accounts = database.Get<AccountService>();

        Assert.True((await accounts.ResetPasswordAsync(helpdesk, anna.AccountId, asLink: false, CancellationToken.None)).IsDone);
        Assert.Equal("NotPermitted", (await accounts.ResetPasswordAsync(helpdesk, admin.AccountId, asLink: false, CancellationToken.None)).Refusal!.Key);
        Assert.Equal("NotPermitted", (await accounts.UnlockAsync(helpdesk, admin.AccountId, CancellationToken.None)).Refusal!.Key);
        Assert.Equal("NotPermitted", (await accounts.SetRolesAsync(helpdesk, anna.AccountId, 0, [Role.Helpdesk], CancellationToken.None)).Refusal!.Key);
        Assert.Equal("LastAdministrator", (await accounts.SetRolesAsync(Actor.Operator(), admin.AccountId, 0, [], CancellationToken.None)).Refusal!.Key);
    }

    [Theory, BothDatabases]
    public async Task A_first_password_link_works_once_of_two_at_once_one_wins(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var created = await database.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox("anna@portal.test", "Anna"), CancellationToken.None);
        var token = created.Value.Credential.LinkToken!;
        var accounts = database.Get<AccountService>();

        Assert.Equal("PasswordTooShort", (await accounts.RedeemFirstPasswordAsync(token, "short", null, CancellationToken.None)).Refusal!.Key);
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => accounts.RedeemFirstPasswordAsync(token, Password, null, CancellationToken.None)));

        Assert.Single(results, r => r.IsDone);
        Assert.All(results.Where(r => !r.IsDone), r => Assert.Equal("LinkSpent", r.Refusal!.Key));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, "anna@portal.test", Password));
    }

    [Theory, BothDatabases]
    public async Task An_account_owns_its_addresses_with_any_detail_and_no_others(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await AddAsync(database, "anna@portal.test");
        await database.AddMailboxAsync("ben@portal.test");
        await database.AddMailboxAsync("anna+eu@portal.test");
        var rights = database.Get<SenderRights>();

        foreach (var (address, owned) in new[] { ("anna@portal.test", true), ("ANNA+x@portal.test", true), ("ben@portal.test", false), ("anna@example.org", false), ("+anna@portal.test", false), ("anna+eu@portal.test", false), ("anna+EU@portal.test", false), ("anna+eu.x@portal.test", true) })
            Assert.Equal((address, owned), (address, await rights.OwnsAsync(anna.AccountId, MailAddress.Parse(address), CancellationToken.None)));
    }

    private static async Task<CreatedMailbox> AddAsync(TestDatabase database, string address)
    {
        await database.AddDomainAsync();
        return (await database.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox(address, "Anna", FirstCredential.Given, Password), CancellationToken.None)).Value;
    }

    private static async Task<AuthenticationKind> TryAsync(TestDatabase database, string name, string password, IPAddress? client = null) =>
        (await database.Get<AccountAuthenticator>().VerifyAsync(name, password, client ?? Home, Channel.Smtp, CancellationToken.None)).Kind;
}
