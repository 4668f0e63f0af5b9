using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Logs;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Delivery;

namespace Portal.Tests.Integration;

/// <summary>
/// The program as a process of its own under mixed mail for a long time: what was acknowledged is there exactly once and nothing else is,
/// nothing is left lying about, and it needs no more memory, files or threads at the end than at the beginning.
/// </summary>
[Collection(AloneCollection.Name)]
[Trait("Category", "Long")]
public sealed class SoakTests
{
    private const int Senders = 6;
    private const int Mailboxes = 20;
    private const int MessagesPerConnection = 300;
    private const string Outside = "partner@elsewhere.example";
    private const string Forwarded = "both@portal.test";
    private const string Sender = "sender@elsewhere.example";

    // A pace that leaves the machine something: how long it runs is the point here, not how fast.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan PersonPace = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly ConcurrentDictionary<string, Sent> acknowledged = new();
    private readonly ConcurrentQueue<string> faults = new();
    private readonly List<Footprint> footprints = [];
    private int number;
    private int busy;
    private int refused;
    private int personActs;

    /// <summary>Ten minutes on each database; PORTAL_SOAK_MINUTES=600 for a night.</summary>
    private static TimeSpan Duration =>
        TimeSpan.FromMinutes(double.TryParse(Environment.GetEnvironmentVariable("PORTAL_SOAK_MINUTES"), CultureInfo.InvariantCulture, out var minutes) ? minutes : 10);

    [Theory, BothDatabases]
    public async Task Mixed_mail_for_a_long_time_is_all_there_once_and_leaves_nothing_behind(DatabaseKind kind)
    {
        await using var postgres = kind == DatabaseKind.Postgres ? await PostgresServer.StartAsync(isDurable: true) : null;
        using var dns = new TestDns().MailTo("elsewhere.example");
        var chance = new Random(4711);
        await using var peer = new RecordingPeer { OnRecipient = _ => { lock (chance) return chance.Next(10) == 0 ? "451 4.7.1 Come back later" : null; } };
        var settings = PortalHost.FreshSettings(TestFolder.Create(), dns.Setting);
        settings["Portal:Delivery:Port"] = peer.Port.ToString(CultureInfo.InvariantCulture);
        settings["Portal:Delivery:FirstRetry"] = "00:00:02";
        settings["Portal:Delivery:MaxRetry"] = "00:00:05";
        if (postgres is not null)
        {
            settings["Portal:Database:Provider"] = "Postgres";
            settings["Portal:Database:ConnectionString"] = postgres.ConnectionString(await postgres.CreateDatabaseAsync());
        }

        var owner = await PrepareAsync(settings);
        await using (var server = await PortalProcess.StartServerAsync(settings))
        {
            await LoadAsync(settings, server, owner);
            await EmptyQueueAsync(settings);
            Assert.Equal(0, await server.StopAsync());
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{acknowledged.Count} acknowledged, {refused} refused, {busy} told to come back, {peer.Mails.Count} relayed, {personActs} acts of the owner\n{string.Join('\n', footprints.Where((_, i) => i % 30 == 0))}");
        Assert.Empty(faults);
        Assert.True(personActs > 0);
        CheckFootprints();
        CheckRelayed(peer);
        await CheckStoredAsync(settings);
    }

    private static string MailboxOf(int i) => $"m{i % Mailboxes}@portal.test";

    private static async Task<Actor> PrepareAsync(Dictionary<string, string?> settings)
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings, DataFolder = settings["Portal:DataFolder"] });
        for (var i = 1; i < Mailboxes; i++) await portal.AddMailboxAsync(MailboxOf(i));
        var owner = await portal.AddMailboxAsync(MailboxOf(0));
        var domain = await portal.ReadAsync(db => db.Domains.SingleAsync());
        var alias = await portal.Get<AliasService>().CreateAsync(Actor.Operator(), new AliasContent { DomainId = domain.Id, LocalPart = "both", Targets = [MailboxOf(1), Outside] }, CancellationToken.None);
        Assert.True(alias.IsDone, alias.Refusal?.Key);
        return Actor.ForAccount(owner.AccountId, MailboxOf(0), [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);
    }

    private async Task LoadAsync(Dictionary<string, string?> settings, PortalProcess server, Actor owner)
    {
        using var over = new CancellationTokenSource(Duration);
        var port = int.Parse(settings["Portal:Smtp:Port"]!, CultureInfo.InvariantCulture);
        var tasks = Enumerable.Range(0, Senders).Select(_ => Task.Run(() => SendAsync(port, over.Token)))
            .Append(Task.Run(() => LiveAsync(settings, owner, over.Token)))
            .Append(Task.Run(() => WatchAsync(server, over.Token)))
            .ToList();
        await Task.WhenAll(tasks);
    }

    private async Task SendAsync(int port, CancellationToken over)
    {
        using var pace = new PeriodicTimer(Pace);
        while (!over.IsCancellationRequested)
        {
            using var talk = await SmtpTalk.OpenAsync(port);
            for (var i = 0; i < MessagesPerConnection && !over.IsCancellationRequested; i++)
            {
                await pace.WaitForNextTickAsync(CancellationToken.None);
                await SendOneAsync(talk, Interlocked.Increment(ref number));
            }

            // And leaves in the middle of a message large enough to be on disk already: it was never acknowledged and must be nowhere.
            Assert.StartsWith("250", await talk.AskAsync($"MAIL FROM:<{Sender}>"), StringComparison.Ordinal);
            Assert.StartsWith("250", await talk.AskAsync($"RCPT TO:<{MailboxOf(2)}>"), StringComparison.Ordinal);
            Assert.StartsWith("354", await talk.AskAsync("DATA"), StringComparison.Ordinal);
            await talk.TellAsync(ContentOf("broken.off@soak.test", 200_000));
        }
    }

    /// <summary>One of the mixture; which one, the number tells.</summary>
    private async Task SendOneAsync(SmtpTalk talk, int n)
    {
        var (recipients, wanted) = (n % 20) switch
        {
            0 => (["nobody@portal.test"], "550"),
            1 => (["somebody@elsewhere.example"], "550"),
            2 or 3 => ([MailboxOf(n / 20), MailboxOf(n / 20 + 7), MailboxOf(n / 20 + 13)], "250"),
            4 or 5 => ([Forwarded], "250"),
            _ => (new[] { MailboxOf(n / 20 + n) }, "250"),
        };
        var id = $"{n}@soak.test";
        var content = ContentOf(id, n % 40 == 7 ? 200_000 : n % 2 == 0 ? 5_000 : 200);
        var reply = await talk.SendAsync(Sender, recipients, content);
        if (reply.StartsWith("452", StringComparison.Ordinal)) Interlocked.Increment(ref busy);   // the bounded queue in front is full: nothing was acknowledged
        else if (!reply.StartsWith(wanted, StringComparison.Ordinal)) faults.Enqueue($"{id}: {reply}");
        else if (wanted == "250") acknowledged[id] = new([.. recipients.Select(r => r == Forwarded ? MailboxOf(1) : r)], recipients[0] == Forwarded, SHA256.HashData(Encoding.ASCII.GetBytes(content)));
        else Interlocked.Increment(ref refused);
        if (wanted == "550" || reply[0] != '2') await talk.AskAsync("RSET");
    }

    private static string ContentOf(string id, int sizeBytes)
    {
        var text = new StringBuilder($"From: {Sender}\r\nTo: {MailboxOf(0)}\r\nSubject: Soak\r\nMessage-ID: <{id}>\r\n\r\n");
        for (var line = 0; text.Length < sizeBytes; line++) text.Append(CultureInfo.InvariantCulture, $"{id}, line {line}: {line * 2654435761L:x} the quick brown fox jumps over the lazy dog.\r\n");
        return text.ToString();
    }

    /// <summary>The owner of a mailbox, beside it all: reads, marks, moves, deletes, takes back; from a process beside the server, as the command line works.</summary>
    private async Task LiveAsync(Dictionary<string, string?> settings, Actor owner, CancellationToken over)
    {
        await using var services = Services(settings);
        var mail = services.GetRequiredService<MailService>();
        var cancel = CancellationToken.None;
        using var pace = new PeriodicTimer(PersonPace);
        for (var act = 0; !over.IsCancellationRequested; act++)
        {
            await pace.WaitForNextTickAsync(cancel);
            var overview = (await mail.OverviewAsync(owner, cancel)).Value;
            var rows = (await mail.ListAsync(owner, overview.For(SpecialUse.Inbox).Id, null, cancel)).Value.Rows;
            if (rows.Count < 20) continue;
            await using (var opened = (await mail.OpenRawAsync(owner, rows[0].Id, cancel)).Value) await opened.CopyToAsync(Stream.Null, cancel);

            long[] some = [.. rows.Skip(5).Take(10).Select(r => r.Id)];
            var outcome = await mail.MarkAsync(owner, some, MailFlags.Seen, MailFlags.None, cancel);
            if (!outcome.IsDone) faults.Enqueue($"mark: {outcome.Refusal!.Key}");
            var moved = act % 3 == 0 ? await mail.MoveAsync(owner, some, overview.For(SpecialUse.Archive).Id, cancel) : await mail.DeleteAsync(owner, some, cancel);
            if (!moved.IsDone) faults.Enqueue($"move: {moved.Refusal!.Key}");
            else if (act % 5 == 0 && await mail.UndoAsync(owner, moved.Value, cancel) is { IsDone: false } undone) faults.Enqueue($"undo: {undone.Refusal!.Key}");
            if (act % 4 == 0)
            {
                var trash = (await mail.ListAsync(owner, overview.For(SpecialUse.Trash).Id, null, cancel)).Value.Rows;
                if (!(await mail.DeleteAsync(owner, [.. trash.Take(20).Select(r => r.Id)], cancel)).IsDone) faults.Enqueue("delete from Trash");
            }

            personActs++;
        }
    }

    private async Task WatchAsync(PortalProcess server, CancellationToken over)
    {
        using var pace = new PeriodicTimer(LookEvery);
        while (!over.IsCancellationRequested)
        {
            await pace.WaitForNextTickAsync(CancellationToken.None);
            lock (footprints) footprints.Add(Footprint.Of(server.Id));
        }
    }

    private static async Task EmptyQueueAsync(Dictionary<string, string?> settings)
    {
        await using var services = Services(settings);
        using var patience = new CancellationTokenSource(Patience);
        using var pace = new PeriodicTimer(LookEvery);
        while (true)
        {
            await using var db = await services.GetRequiredService<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
            var (queued, unindexed) = (await db.QueueEntries.AsNoTracking().Take(10).ToListAsync(), await db.Traces.CountAsync(t => !t.IsIndexed));
            if (queued.Count == 0 && unindexed == 0) return;
            Assert.False(patience.IsCancellationRequested, $"After {Patience} still queued: {string.Join(", ", queued.Select(e => $"{e.ForwardPath} {e.State} {e.Attempt} {e.LastReply}"))}; {unindexed} traces without terms");
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <summary>
    /// The lowest of each window stands for a moment after a collection. The bound is generous: caches of the database's connections fill
    /// up to 16 MB each in these minutes; but one kilobyte kept of every message would go beyond it.
    /// </summary>
    private void CheckFootprints()
    {
        var window = Math.Max(1, footprints.Count / 5);
        var (first, last) = (footprints.Skip(window).Take(window).ToList(), footprints.TakeLast(window).ToList());
        var (began, ended) = (first.Min(f => f.ResidentMegabytes), last.Min(f => f.ResidentMegabytes));
        Assert.True(ended <= began * 1.5 + 64, $"{began} MB after the first minutes, {ended} MB in the last");
        // Connections to database and peers come and go, and the pools behind them are bounded.
        Assert.True(last.Min(f => f.Files) <= first.Max(f => f.Files) + 50, $"{first.Max(f => f.Files)} open files, then {last.Min(f => f.Files)}");
        Assert.True(last.Min(f => f.Threads) <= first.Max(f => f.Threads) + 20, $"{first.Max(f => f.Threads)} threads, then {last.Min(f => f.Threads)}");
    }

    /// <summary>What was to go out arrived at the peer, each once: the peer never lost an answer.</summary>
    private void CheckRelayed(RecordingPeer peer)
    {
        var relayed = peer.Mails.Select(m => IdOf(m.Text)).ToList();
        var wanted = acknowledged.Where(a => a.Value.IsRelayed).Select(a => a.Key).ToHashSet();
        Assert.True(wanted.SetEquals(relayed), $"{wanted.Except(relayed).Count()} missing at the peer, {relayed.Except(wanted).Count()} not acknowledged");
        Assert.Equal(wanted.Count, relayed.Count);
    }

    private async Task CheckStoredAsync(Dictionary<string, string?> settings)
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings, DataFolder = settings["Portal:DataFolder"] });
        var stored = await portal.ReadAsync(db => db.MailItems.AsNoTracking()
            .Join(db.Messages, i => i.MessageId, m => m.Id, (i, m) => new { i.MailboxId, m.MessageIdHeader, MessageId = m.Id })
            .Join(db.Mailboxes, i => i.MailboxId, b => b.Id, (i, b) => new { i.MessageIdHeader, i.MessageId, b.PrimaryAddress })
            .Join(db.Contents, i => i.MessageId, c => c.MessageId, (i, c) => new { i.MessageIdHeader, i.PrimaryAddress, i.MessageId, c.Hash, IsBlob = c.BlobKey != null }).ToListAsync());
        var wanted = acknowledged.SelectMany(a => a.Value.Mailboxes.Select(m => (Id: a.Key, Mailbox: m))).ToHashSet();
        var there = stored.Select(s => (Id: s.MessageIdHeader!, Mailbox: s.PrimaryAddress)).ToList();
        Assert.Empty(wanted.Except(there).Take(10));
        Assert.Empty(there.Except(wanted).Take(10));
        Assert.Equal(wanted.Count, there.Count);
        Assert.All(stored, s => Assert.Equal(acknowledged[s.MessageIdHeader!].Hash, s.Hash));

        foreach (var one in stored.Where((s, i) => s.IsBlob || i % 97 == 0))
        {
            await using var content = await portal.Get<ContentReader>().OpenAsync(one.MessageId, CancellationToken.None, withTraceFields: false);
            Assert.Equal(one.Hash, await SHA256.HashDataAsync(content!));
        }

        await CheckCountersAsync(portal);
        await CheckBlobsAsync(portal);
        var errors = await portal.Get<LogService>().SearchAsync(Actor.Operator(), new LogQuery { Level = Microsoft.Extensions.Logging.LogLevel.Error }, CancellationToken.None);
        Assert.Empty(errors.Value.Entries.Select(e => $"{e.At:O} {e.Component} {e.Message}"));
        Assert.Empty(await portal.QueueEntriesAsync());
    }

    /// <summary>The counters, which change by relative statements only, are what a count of the rows gives.</summary>
    private static async Task CheckCountersAsync(PortalHost portal)
    {
        var items = await portal.ReadAsync(db => db.MailItems.AsNoTracking().Where(i => i.DeletedAt == null).Select(i => new { i.MailboxId, i.FolderId, i.Uid, i.Flags, i.SizeBytes }).ToListAsync());
        var byFolder = items.ToLookup(i => i.FolderId);
        foreach (var folder in await portal.ReadAsync(db => db.Folders.AsNoTracking().ToListAsync()))
        {
            var own = byFolder[folder.Id].ToList();
            Assert.Equal((own.Count, own.Count(i => !i.Flags.HasFlag(MailFlags.Seen))), (folder.Items, folder.Unseen));
            Assert.Equal(own.Count, own.Select(i => i.Uid).Distinct().Count());
            Assert.All(own, i => Assert.InRange(i.Uid!.Value, 1, folder.UidNext - 1));
            Assert.Equal(folder.UidNext - 1, own.Count + await portal.ReadAsync(db => db.Expunged.CountAsync(e => e.FolderId == folder.Id)));   // each UID ever given is in the folder or has its tombstone
        }

        var byMailbox = items.ToLookup(i => i.MailboxId);
        foreach (var use in await portal.ReadAsync(db => db.MailboxUses.AsNoTracking().ToListAsync()))
            Assert.Equal((byMailbox[use.MailboxId].Sum(i => i.SizeBytes), byMailbox[use.MailboxId].LongCount()), (use.Bytes, use.Items));
    }

    private static async Task CheckBlobsAsync(PortalHost portal)
    {
        Assert.Empty(Directory.EnumerateFiles(portal.DataFolder, "*.part", SearchOption.AllDirectories));
        var named = await portal.ReadAsync(db => db.Contents.Where(c => c.BlobKey != null).Select(c => c.BlobKey!.Value).ToListAsync());
        var kept = portal.Get<IBlobStore>().List().Select(b => b.Key).ToHashSet();
        Assert.NotEmpty(kept);
        Assert.True(kept.SetEquals(named), $"{kept.Except(named).Count()} blobs nobody names, {named.Except(kept).Count()} names without a blob");
        Assert.Equal(0, await portal.ReadAsync(db => db.Messages.CountAsync(m => !db.MailItems.Any(i => i.MessageId == m.Id))));
    }

    /// <summary>The services without anything that runs: a process beside the server on the same data.</summary>
    private static ServiceProvider Services(Dictionary<string, string?> settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddLogging();
        services.AddPortalCore(configuration);
        return services.BuildServiceProvider();
    }

    private static string IdOf(string text)
    {
        var begin = text.IndexOf("Message-ID: <", StringComparison.Ordinal) + "Message-ID: <".Length;
        return text[begin..text.IndexOf('>', begin)];
    }

    /// <summary>An acknowledged message.</summary>
    /// <param name="Mailboxes">Who must have it.</param>
    private sealed record Sent(IReadOnlyList<string> Mailboxes, bool IsRelayed, byte[] Hash);

    /// <summary>What a process holds at a moment.</summary>
    private sealed record Footprint(int ResidentMegabytes, int Files, int Threads)
    {
        public static Footprint Of(int processId)
        {
            var status = File.ReadLines($"/proc/{processId}/status").Select(l => l.Split(':', 2)).Where(l => l.Length == 2).ToDictionary(l => l[0], l => l[1].Trim());
            return new(Number(status["VmRSS"]) / 1024, Directory.GetFileSystemEntries($"/proc/{processId}/fd").Length, Number(status["Threads"]));
        }

        private static int Number(string text) => int.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
