using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Accounts;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Accounts;

/// <summary>What one network may do with the passwords of many, and of those it shares a memory with (DESIGN §6).</summary>
public sealed class NetworkThrottleTests : IDisposable
{
    private const string Password = "seven green apples";
    private const string Anna = "anna@portal.test";
    private const string Bert = "bert@portal.test";
    private static readonly IPAddress Office = IPAddress.Parse("192.0.2.7");
    private static readonly IPAddress Elsewhere = IPAddress.Parse("198.51.100.9");
    private readonly HeldHasher hasher = new();

    public void Dispose() => hasher.Dispose();

    [Theory, BothDatabases]
    public async Task One_guess_each_at_many_names_slows_the_network_down_and_no_account(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        await SprayAsync(database);

        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, "another@portal.test", "wrong wrong wrong"));
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Bert, Password));   // a stranger here: the password is not looked at
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Bert, Password, Elsewhere));
        Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, "another@portal.test", "wrong wrong wrong", Elsewhere));
    }

    [Theory, BothDatabases]
    public async Task Who_has_signed_in_from_a_slowed_down_network_gets_in_and_a_wrong_password_reads_as_a_strangers(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, Password));
        database.Clock.Advance(TimeSpan.FromMinutes(10));   // what was remembered is forgotten
        await SprayAsync(database);

        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Anna, "wrong wrong wrong"));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, Password));
    }

    [Theory, BothDatabases]
    public async Task Helpdesk_sees_the_network_and_lets_a_newcomer_in_for_a_while(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        var bert = await database.ReadAsync(db => db.Accounts.Where(a => a.UserName == Bert).Select(a => a.Id).SingleAsync());
        await SprayAsync(database);
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Bert, Password));
        Assert.Equal("192.0.2.7/32", Assert.Single((await CardAsync()).Closed).Network);

        Assert.True((await database.Get<AccountService>().UnlockAsync(Organisation.With(Role.Helpdesk), bert, CancellationToken.None)).IsDone);

        Assert.Empty((await CardAsync()).Closed);
        Assert.Empty((await CardAsync()).Slowed);
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, "another@portal.test", "wrong wrong wrong"));
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Bert, "wrong wrong wrong"));   // looked at, but in the words for strangers
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Bert, Password));

        async Task<AccountDetail> CardAsync() => (await database.Get<AccountListService>().GetAsync(Organisation.With(Role.Helpdesk), bert, CancellationToken.None)).Value;
    }

    [Theory, BothDatabases]
    public async Task A_slowed_down_network_may_try_one_more_name_a_minute_and_comes_to_rest_by_itself(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        await SprayAsync(database);

        database.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, "more@portal.test", "wrong wrong wrong"));
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, "most@portal.test", "wrong wrong wrong"));

        database.Clock.Advance(TimeSpan.FromMinutes(20));
        await SprayAsync(database);
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, "most@portal.test", "wrong wrong wrong"));
    }

    [Theory, BothDatabases]
    public async Task One_name_that_fails_again_and_again_counts_once_for_its_network(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        for (var i = 0; i < SignInThrottleStore.FreeNames + 5; i++)
        {
            Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, Anna, "wrong wrong wrong"));
            database.Clock.Advance(TimeSpan.FromMinutes(5));
        }

        Assert.Equal(1, await database.ReadAsync(db => db.SignInThrottles.Where(t => t.LoginName == SignInThrottle.AnyName).Select(t => t.Failures).SingleAsync()));
    }

    [Theory, BothDatabases]
    public async Task Names_tried_on_several_nodes_at_once_are_all_counted(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        SignInThrottleStore[] nodes = [.. Enumerable.Range(0, 4).Select(_ => new SignInThrottleStore(database.Databases, database.Gate, database.Clock))];

        await Task.WhenAll(Enumerable.Range(0, 24).Select(i => Task.Run(() => nodes[i % nodes.Length].FailedAsync($"name{i}@portal.test", Office, null, CancellationToken.None))));

        Assert.Equal(24, await database.ReadAsync(db => db.SignInThrottles.Where(t => t.LoginName == SignInThrottle.AnyName).Select(t => t.Failures).SingleAsync()));
        foreach (var node in nodes) Assert.Equal(TimeSpan.FromMinutes(5), (await node.PaceAsync("other@portal.test", Office, CancellationToken.None)).Wait);
    }

    [Theory, BothDatabases]
    public async Task After_a_wrong_password_a_right_one_is_not_answered_from_memory_but_by_the_throttle(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, Password));
        for (var i = 0; i < 4; i++) Assert.Equal(AuthenticationKind.Failed, await TryAsync(database, Anna, $"wrong {i}"));

        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Anna, Password));

        database.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, Password));
    }

    [Theory, BothDatabases]
    public async Task A_node_that_remembers_asks_the_throttle_again_after_the_first_guess_that_others_have_slowed_down(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, Password));
        await using var other = database.AnotherNode();
        for (var i = 0; i < 4; i++) Assert.Equal(AuthenticationKind.Failed, await TryAsync(other, Anna, $"wrong {i}"));

        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Anna, "wrong again"));
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Anna, Password));
    }

    [Theory, BothDatabases]
    public async Task A_guess_that_is_still_waiting_has_ended_what_was_remembered(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind, services => services.AddSingleton<IPasswordHasher<Account>>(hasher));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, Password));
        var guess = TryAsync(database, Anna, HeldHasher.Slow);

        var right = TryAsync(database, Anna, Password);
        Assert.False(right.IsCompleted);   // not from memory, where a hundred more guesses would be answered too: it waits behind the first
        hasher.LetGo();

        Assert.Equal((AuthenticationKind.Failed, AuthenticationKind.Succeeded), (await guess, await right));
    }

    [Theory, BothDatabases]
    public async Task One_network_fills_no_more_than_its_places_and_another_is_not_busy(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind, services => services.AddSingleton<IPasswordHasher<Account>>(hasher));
        var authenticator = database.Get<AccountAuthenticator>();
        var flood = Enumerable.Range(0, AccountAuthenticator.MaxOfNetwork + AccountAuthenticator.MaxWaitingOfNetwork)
            .Select(i => authenticator.VerifyAsync($"name{i}@portal.test", HeldHasher.Slow, Office, Channel.Smtp, CancellationToken.None)).ToList();

        Assert.Equal(AuthenticationKind.Busy, await TryAsync(database, "one.more@portal.test", HeldHasher.Slow));
        var elsewhere = TryAsync(database, Anna, Password, Elsewhere);
        hasher.LetGo();   // the cores are taken: it waits its turn behind eight, not behind all

        Assert.Equal(AuthenticationKind.Succeeded, await elsewhere);
        var answers = (await Task.WhenAll(flood)).CountBy(r => r.Kind).ToDictionary();
        Assert.Equal(flood.Count, answers[AuthenticationKind.Failed] + answers[AuthenticationKind.SlowedDown]);
        Assert.InRange(answers[AuthenticationKind.Failed], SignInThrottleStore.FreeNames, SignInThrottleStore.FreeNames + AccountAuthenticator.MaxOfNetwork);   // those that were at it when the bound was reached
    }

    [Theory, BothDatabases]
    public async Task The_own_password_is_no_easier_guessed_in_a_session_than_at_the_door(DatabaseKind kind)
    {
        await using var database = await SeedAsync(kind);
        var anna = await database.ReadAsync(db => db.Accounts.SingleAsync(a => a.UserName == Anna));
        var session = Actor.ForAccount(anna.Id, Anna, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, Office.ToString());
        var accounts = database.Get<AccountService>();
        for (var i = 0; i < 4; i++) Assert.Equal("PasswordWrong", (await accounts.ChangeOwnPasswordAsync(session, $"wrong {i}", "nine green apples", CancellationToken.None)).Refusal!.Key);

        var slowed = (await accounts.ChangeOwnPasswordAsync(session, Password, "nine green apples", CancellationToken.None)).Refusal!;
        Assert.Equal(("PasswordSlowedDown", TimeSpan.FromSeconds(1)), (slowed.Key, (TimeSpan)slowed.Arguments[0]));
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Anna, Password));   // one count for both
        Assert.Equal(4, await database.ReadAsync(db => db.SignIns.CountAsync(s => s.AccountId == anna.Id && s.Result == SignInResultKind.WrongPassword)));

        database.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True((await accounts.ChangeOwnPasswordAsync(session, Password, "nine green apples", CancellationToken.None)).IsDone);
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, "nine green apples"));
        Assert.Equal(1, await database.ReadAsync(db => db.SignIns.CountAsync(s => s.AccountId == anna.Id && s.Result == SignInResultKind.Succeeded)));   // the door's alone
    }

    [Theory, BothDatabases]
    public async Task A_stranger_of_a_slowed_down_network_waits_as_long_as_a_look_at_a_wrong_password_takes(DatabaseKind kind)
    {
        var clock = new WaitingClock();
        await using var database = await SeedAsync(kind, services => services.AddSingleton<TimeProvider>(clock).AddSingleton<IPasswordHasher<Account>>(new TimedHasher(clock)));
        Assert.Equal(AuthenticationKind.Succeeded, await TryAsync(database, Anna, Password));
        clock.Advance(TimeSpan.FromMinutes(10));
        await SprayAsync(database);
        clock.Waits.Clear();

        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Anna, "wrong wrong wrong"));   // known here: looked at
        Assert.Empty(clock.Waits);
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, Bert, Password));
        Assert.Equal(AuthenticationKind.SlowedDown, await TryAsync(database, "nobody@portal.test", Password));

        Assert.Equal([TimedHasher.Look, TimedHasher.Look], clock.Waits);
    }

    private static async Task<TestDatabase> SeedAsync(DatabaseKind kind, Action<IServiceCollection>? configure = null)
    {
        var database = await TestDatabase.CreateAsync(kind, configure);
        await database.AddDomainAsync();
        foreach (var address in new[] { Anna, Bert })
            Assert.True((await database.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox(address, "Somebody", FirstCredential.Given, Password), CancellationToken.None)).IsDone);
        return database;
    }

    /// <summary>One wrong guess at each of as many names as are free.</summary>
    private static async Task SprayAsync(TestDatabase database)
    {
        for (var i = 0; i < SignInThrottleStore.FreeNames; i++)
            Assert.Equal((i, AuthenticationKind.Failed), (i, await TryAsync(database, $"{Guid.NewGuid():N}@portal.test", "wrong wrong wrong")));
    }

    private static async Task<AuthenticationKind> TryAsync(TestDatabase database, string name, string password, IPAddress? client = null) =>
        (await database.Get<AccountAuthenticator>().VerifyAsync(name, password, client ?? Office, Channel.Smtp, CancellationToken.None)).Kind;

    /// <summary>Every look takes as long on the test's clock.</summary>
    private sealed class TimedHasher(FakeTimeProvider clock) : IPasswordHasher<Account>
    {
        public static readonly TimeSpan Look = TimeSpan.FromMilliseconds(48);
        private readonly PasswordHasher<Account> real = new();

        public string HashPassword(Account user, string password) => real.HashPassword(user, password);

        public PasswordVerificationResult VerifyHashedPassword(Account user, string hashedPassword, string providedPassword)
        {
            clock.Advance(Look);
            return real.VerifyHashedPassword(user, hashedPassword, providedPassword);
        }
    }

    /// <summary>Remembers who waits how long, and lets nobody.</summary>
    private sealed class WaitingClock() : FakeTimeProvider(TestDatabase.Start)
    {
        public List<TimeSpan> Waits { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero && dueTime <= TimeSpan.FromSeconds(1)) Waits.Add(dueTime);
            return base.CreateTimer(callback, state, dueTime > TimeSpan.FromSeconds(1) ? dueTime : TimeSpan.Zero, period);
        }
    }
}
