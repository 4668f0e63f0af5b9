using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>What is changed on one node is true on every other within a second (DESIGN §7).</summary>
[Collection(AloneCollection.Name)]
public class SeveralNodesTests
{
    private const int MaxMeasurings = 3;
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(1);

    /// <summary>On PostgreSQL the other node is a whole program; on SQLite, where one server holds the folder, it is the command line beside it.</summary>
    [Theory, BothDatabases]
    public async Task A_mailbox_disabled_on_one_node_is_refused_by_another_within_a_second(DatabaseKind kind)
    {
        await using var receiving = await PortalHost.StartAsync(kind);
        var anna = (await receiving.AddMailboxAsync("anna@portal.test")).MailboxId;
        await using var other = await AnotherNodeAsync(receiving, kind);
        var mailboxes = other.Services.GetRequiredService<MailboxService>();
        using var talk = await SmtpTalk.OpenAsync(receiving.SmtpPort);

        // The machine has other things to do as well: one good measuring of three shows that the news travels fast.
        for (var measuring = 1; ; measuring++)
        {
            await UntilAsync(talk, "250");
            Assert.StartsWith("250", await AskAsync(talk), StringComparison.Ordinal);   // from the cache

            Assert.True((await mailboxes.DisableAsync(Actor.Operator(), anna, CancellationToken.None)).IsDone);
            var took = await UntilAsync(talk, "550 5.2.1");
            if (took <= Promised) return;

            Assert.True(measuring < MaxMeasurings, $"It took {took.TotalMilliseconds:F0} ms");
            Assert.True((await mailboxes.EnableAsync(Actor.Operator(), anna, CancellationToken.None)).IsDone);
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
        var services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(configuration).AddSingleton(TimeProvider.System).AddPortalCore(configuration).BuildServiceProvider();
        return new Node(services, services);
    }

    /// <summary>Asks again and again; how long it took until the answer was the wanted one.</summary>
    private static async Task<TimeSpan> UntilAsync(SmtpTalk talk, string wanted)
    {
        var asked = Stopwatch.StartNew();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await AskAsync(talk) is var reply && !reply.StartsWith(wanted, StringComparison.Ordinal))
        {
            Assert.True(asked.Elapsed < TimeSpan.FromSeconds(30), $"After 30 s still {reply}");
            await pace.WaitForNextTickAsync();
        }

        return asked.Elapsed;
    }

    private static async Task<string> AskAsync(SmtpTalk talk)
    {
        await talk.AskAsync("MAIL FROM:<bob@elsewhere.example>");
        var reply = await talk.AskAsync("RCPT TO:<anna@portal.test>");
        await talk.AskAsync("RSET");
        return reply;
    }

    private sealed record Node(IServiceProvider Services, IAsyncDisposable Owner) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Owner.DisposeAsync();
    }
}
