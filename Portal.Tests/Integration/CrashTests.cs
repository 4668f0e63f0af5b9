using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>The durability contract: what was answered 250 survives SIGKILL at any moment, whole, in the mailbox and in the queue.</summary>
public class CrashTests
{
    private const int Connections = 8;
    private const int MessagesBeforeKill = 150;
    private const string Local = "anna@portal.test";
    private const string Forwarded = "both@portal.test";
    private const string Outside = "partner@elsewhere.example";

    private readonly ConcurrentDictionary<string, string> acknowledged = new();
    private readonly Random random = new(4711);
    private int sent;

    [Theory, BothDatabases]
    public Task Nothing_acknowledged_is_lost_in_five_kills(DatabaseKind kind) => KillAsync(kind, kills: 5);

    [Theory, BothDatabases]
    [Trait("Category", "Long")]
    public Task Nothing_acknowledged_is_lost_in_forty_kills(DatabaseKind kind) => KillAsync(kind, kills: 40);

    private async Task KillAsync(DatabaseKind kind, int kills)
    {
        await using var postgres = kind == DatabaseKind.Postgres ? await PostgresServer.StartAsync(isDurable: true) : null;
        var settings = PortalHost.FreshSettings(TestFolder.Create(), "127.0.0.1:1");
        if (postgres is not null)
        {
            settings["Portal:Database:Provider"] = "Postgres";
            settings["Portal:Database:ConnectionString"] = postgres.ConnectionString(await postgres.CreateDatabaseAsync());
        }

        await PrepareAsync(settings);
        for (var kill = 0; kill < kills; kill++)
        {
            await using var server = await PortalProcess.StartServerAsync(settings);
            var until = acknowledged.Count + random.Next(MessagesBeforeKill / 2, MessagesBeforeKill);
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var load = Enumerable.Range(0, Connections).Select(_ => Task.Run(() => SendUntilGoneAsync(settings, until, enough))).ToArray();
            await enough.Task.WaitAsync(TimeSpan.FromMinutes(2));
            await server.KillAsync();   // while all connections are in the middle of something
            await Task.WhenAll(load);
        }

        await CheckLedgerAsync(settings, kills);
    }

    private static async Task PrepareAsync(Dictionary<string, string?> settings)
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings, DataFolder = settings["Portal:DataFolder"] });
        var anna = await portal.AddMailboxAsync(Local);
        var domain = await portal.ReadAsync(db => db.Domains.SingleAsync());
        Assert.NotEqual(Guid.Empty, anna.MailboxId);
        var alias = await portal.Get<AliasService>().CreateAsync(Actor.Operator(), new AliasContent { DomainId = domain.Id, LocalPart = "both", Targets = [Local, Outside] }, CancellationToken.None);
        Assert.True(alias.IsDone, alias.Refusal?.Key);
    }

    private async Task SendUntilGoneAsync(Dictionary<string, string?> settings, int until, TaskCompletionSource enough)
    {
        try
        {
            using var talk = await SmtpTalk.OpenAsync(int.Parse(settings["Portal:Smtp:Port"]!, CultureInfo.InvariantCulture));
            while (true)
            {
                var number = Interlocked.Increment(ref sent);
                var (id, content) = Compose(number);
                var reply = await talk.SendAsync("sender@elsewhere.example", [number % 3 == 0 ? Forwarded : Local], content);
                if (reply.StartsWith("452", StringComparison.Ordinal)) continue;   // the bounded queue in front is full: nothing was acknowledged
                Assert.StartsWith("250", reply, StringComparison.Ordinal);
                acknowledged[id] = content;
                if (acknowledged.Count >= until) enough.TrySetResult();
            }
        }
        catch (IOException)
        {
            // The kill: whatever was under way has no answer, and no claim.
        }
        catch (Exception e)
        {
            enough.TrySetException(e);
            throw;
        }
    }

    private static (string Id, string Content) Compose(int number)
    {
        var id = $"{number}.{(number % 3 == 0 ? "both" : "local")}@crash.test";
        var body = string.Concat(Enumerable.Range(0, 1 + number % 200).Select(line => $"Message {number}, line {line}: the quick brown fox jumps over the lazy dog.\r\n"));
        return (id, $"From: sender@elsewhere.example\r\nTo: {Local}\r\nSubject: Crash {number}\r\nMessage-ID: <{id}>\r\n\r\n{body}");
    }

    private async Task CheckLedgerAsync(Dictionary<string, string?> settings, int kills)
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings, DataFolder = settings["Portal:DataFolder"] });
        var stored = await portal.ReadAsync(db => db.MailItems.Join(db.Messages, i => i.MessageId, m => m.Id, (i, m) => new { m.MessageIdHeader, m.Id }).AsNoTracking().ToListAsync());
        var copies = stored.Where(s => s.MessageIdHeader!.EndsWith("@crash.test", StringComparison.Ordinal)).ToLookup(s => s.MessageIdHeader!, s => s.Id);
        var queued = await portal.ReadAsync(db => db.QueueEntries.Where(e => e.ForwardPath == Outside).Join(db.Messages, e => e.MessageId, m => m.Id, (e, m) => m.MessageIdHeader!).ToListAsync());

        Assert.True(acknowledged.Count >= kills * MessagesBeforeKill / 2);
        Assert.Empty(acknowledged.Keys.Where(id => !copies.Contains(id)));
        Assert.Empty(acknowledged.Keys.Where(id => id.Contains("both", StringComparison.Ordinal)).Except(queued));
        foreach (var (id, content) in acknowledged)
        {
            foreach (var messageId in copies[id])
            {
                await using var stream = await portal.Get<ContentReader>().OpenAsync(messageId, CancellationToken.None, withTraceFields: false);
                using var reader = new StreamReader(stream!);
                Assert.Equal(content, await reader.ReadToEndAsync());
            }
        }

        // The unanswered may have been stored, once each: at most one a connection and kill. Nobody here sends twice, so nothing is there twice.
        Assert.All(copies, copy => Assert.Single(copy));
        Assert.True(copies.Count - acknowledged.Count <= kills * Connections, $"{copies.Count} stored, {acknowledged.Count} acknowledged");
        var counted = await portal.ReadAsync(db => db.Folders.Where(f => f.SpecialUse == SpecialUse.Inbox).SumAsync(f => f.Items));
        Assert.Equal(stored.Count, counted);
    }
}
