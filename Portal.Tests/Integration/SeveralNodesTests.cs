using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Smtp;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>What is changed on one node is true on every other within a second (DESIGN §7).</summary>
[Collection(AloneCollection.Name)]
public class SeveralNodesTests
{
    private const int MaxMeasurings = 3;
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(1);

    /// <summary>What is changed on the other node and how this one shows it; undone, it can be measured again.</summary>
    private static readonly Dictionary<string, Func<PortalHost, Node, Task<Measured>>> Changes = new()
    {
        ["mailbox"] = async (here, there) =>
        {
            var anna = (await here.AddMailboxAsync("anna@portal.test")).MailboxId;
            var mailboxes = there.Get<MailboxService>();
            return Rcpt(here, "anna@portal.test", "250", "550 5.2.1", () => mailboxes.DisableAsync(Operator, anna, Cancel), () => mailboxes.EnableAsync(Operator, anna, Cancel));
        },
        ["quota"] = async (here, there) =>
        {
            var anna = (await here.AddMailboxAsync("anna@portal.test")).MailboxId;
            var mailboxes = there.Get<MailboxService>();
            return Rcpt(here, "anna@portal.test", "250", "452 4.2.2", () => mailboxes.SetQuotaAsync(Operator, anna, 0, 0, Cancel), () => mailboxes.SetQuotaAsync(Operator, anna, 1, null, Cancel));
        },
        ["alias"] = async (here, there) =>
        {
            var anna = (await here.AddMailboxAsync("anna@portal.test")).MailboxId;
            var domain = await here.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync());
            var aliases = there.Get<AliasService>();
            var made = Guid.Empty;
            return Rcpt(here, "al@portal.test", "550 5.1.1", "250", async () =>
            {
                var outcome = await aliases.CreateAsync(Operator, new AliasContent { DomainId = domain, LocalPart = "al", MailboxId = anna }, Cancel);
                made = outcome.Value;
                return outcome;
            }, async () => await aliases.DeleteAsync(Operator, made, Cancel));
        },
        ["domain"] = async (here, there) =>
        {
            await here.AddMailboxAsync("anna@portal.test");
            var domain = await here.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync());
            var domains = there.Get<DomainService>();
            return Rcpt(here, "anna@portal.test", "250", "5", () => domains.SetDisabledAsync(Operator, domain, true, Cancel), () => domains.SetDisabledAsync(Operator, domain, false, Cancel));
        },
        ["route"] = (here, there) =>
        {
            var routes = there.Get<RouteService>();
            var made = Guid.Empty;
            return Task.FromResult(new Measured(() => here.Get<RouteSelector>().RouteKeyForAsync("anna@portal.test", "bob@example.org", Cancel).AsTask(), "example.org", "relay.example:25", async () =>
            {
                var outcome = await routes.CreateAsync(Operator, new RouteDraft { Name = "relay", Match = RouteMatch.RecipientDomain, Pattern = "example.org", Host = "relay.example" }, Cancel);
                made = outcome.Value;
                return outcome;
            }, () => routes.DeleteAsync(Operator, made, Cancel)));
        },
        ["password"] = async (here, there) =>
        {
            var anna = (await here.AddMailboxAsync("anna@portal.test")).AccountId;
            var accounts = there.Get<AccountService>();
            var password = PortalHost.Password;
            return new Measured(async () => (await here.Get<AccountAuthenticator>().VerifyAsync("anna@portal.test", password, System.Net.IPAddress.Loopback, Channel.Smtp, Cancel)).Kind.ToString(), "Succeeded", "Failed", async () => await accounts.ResetPasswordAsync(Operator, anna, asLink: false, Cancel), async () =>
            {
                var outcome = await accounts.ResetPasswordAsync(Operator, anna, asLink: false, Cancel);
                password = outcome.Value.Password!;
                return outcome;
            });
        },
    };

    private static Actor Operator => Actor.Operator();

    public static TheoryData<string, DatabaseKind> Cases
    {
        get
        {
            var cases = new TheoryData<string, DatabaseKind>();
            foreach (var change in Changes.Keys)
                foreach (var kind in Enum.GetValues<DatabaseKind>()) cases.Add(change, kind);
            return cases;
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>On PostgreSQL the other node is a whole program; on SQLite, where one server holds the folder, it is the command line beside it.</summary>
    [Theory, MemberData(nameof(Cases))]
    public async Task What_is_changed_on_one_node_is_seen_by_another_within_a_second(string change, DatabaseKind kind)
    {
        await using var receiving = await PortalHost.StartAsync(kind);
        await using var other = await AnotherNodeAsync(receiving, kind);
        var measured = await Changes[change](receiving, other);

        // The machine has other things to do as well: one good measuring of three shows that the news travels fast.
        for (var measuring = 1; ; measuring++)
        {
            await UntilAsync(measured, measured.Before);
            Assert.StartsWith(measured.Before, await measured.AskAsync(), StringComparison.Ordinal);   // from the cache

            var done = await measured.DoAsync();
            Assert.True(done.IsDone, done.Refusal?.Key);
            var took = await UntilAsync(measured, measured.After);
            if (took <= Promised) return;

            Assert.True(measuring < MaxMeasurings, $"It took {took.TotalMilliseconds:F0} ms");
            Assert.True((await measured.UndoAsync()).IsDone);
        }
    }

    private static async Task<Node> AnotherNodeAsync(PortalHost receiving, DatabaseKind kind)
    {
        if (kind == DatabaseKind.Postgres)
        {
            var settings = new Dictionary<string, string?> { ["Portal:MasterKeyFile"] = Path.Combine(receiving.DataFolder, "master.key") };
            foreach (var key in new[] { "Portal:Database:Provider", "Portal:Database:ConnectionString" }) settings[key] = receiving.Get<IConfiguration>()[key];
            var host = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings });
            return new Node(host.Services, host);
        }

        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Portal:DataFolder"] = receiving.DataFolder }).Build();
        var services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(configuration).AddSingleton(TimeProvider.System).AddPortalCore(configuration).AddPortalSmtp(configuration).BuildServiceProvider();
        return new Node(services, services);
    }

    /// <summary>Asks again and again; how long it took until the answer was the wanted one.</summary>
    private static async Task<TimeSpan> UntilAsync(Measured measured, string wanted)
    {
        var asked = Stopwatch.StartNew();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await measured.AskAsync() is var reply && !reply.StartsWith(wanted, StringComparison.Ordinal))
        {
            Assert.True(asked.Elapsed < TimeSpan.FromSeconds(30), $"After 30 s still {reply}");
            await pace.WaitForNextTickAsync(Cancel);
        }

        return asked.Elapsed;
    }

    private static Measured Rcpt(PortalHost here, string recipient, string before, string after, Func<Task<Outcome>> change, Func<Task<Outcome>> undo) => new(async () =>
    {
        using var talk = await SmtpTalk.OpenAsync(here.SmtpPort);
        await talk.AskAsync("MAIL FROM:<bob@elsewhere.example>");
        return await talk.AskAsync($"RCPT TO:<{recipient}>");
    }, before, after, change, undo);

    /// <param name="AskAsync">What this node says now.</param>
    private sealed record Measured(Func<Task<string>> AskAsync, string Before, string After, Func<Task<Outcome>> DoAsync, Func<Task<Outcome>> UndoAsync);

    private sealed record Node(IServiceProvider Services, IAsyncDisposable Owner) : IAsyncDisposable
    {
        public T Get<T>() where T : notnull => Services.GetRequiredService<T>();

        public ValueTask DisposeAsync() => Owner.DisposeAsync();
    }
}
