using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Smtp;
using Portal.Smtp.Delivery;
using Portal.Smtp.Dns;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>The queue and the courier as they are, on a database of their own, a DNS of ours and a peer that records; time stands still until the test moves it.</summary>
internal sealed class DeliveryBench : IAsyncDisposable
{
    public const string Text = "From: alice@portal.test\r\nTo: bob@example.org\r\nSubject: hello\r\nMessage-ID: <m1@portal.test>\r\n\r\n.hello\r\n";

    private bool isWriting;

    private DeliveryBench(TestDatabase database, FakeDns dns, RecordingPeer peer) => (Database, Dns, Peer) = (database, dns, peer);

    public TestDatabase Database { get; }

    public FakeDns Dns { get; }

    public RecordingPeer Peer { get; }

    public FakeTimeProvider Clock => Database.Clock;

    /// <summary>A bench whose runner runs; "portal.test" with alice is ours, "example.org" is the peer's.</summary>
    public static async Task<DeliveryBench> StartAsync(DatabaseKind kind, params (string Key, string Value)[] settings)
    {
        var bench = await PrepareAsync(kind, settings);
        await bench.RunAsync();
        return bench;
    }

    /// <summary>The same before anything runs but the writer.</summary>
    public static async Task<DeliveryBench> PrepareAsync(DatabaseKind kind, params (string Key, string Value)[] settings)
    {
        var dns = new FakeDns().MailTo("example.org");
        var peer = new RecordingPeer();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Portal:HostName"] = "mx.portal.test",
                ["Portal:Delivery:Port"] = peer.Port.ToString(CultureInfo.InvariantCulture),
                ["Portal:Delivery:AllowLoopback"] = "true",
            })
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create<string, string?>(s.Key, s.Value)))
            .Build();
        var database = await TestDatabase.CreateAsync(kind, services =>
        {
            services.AddPortalSmtp(configuration);
            services.AddSingleton<IMailDns>(dns);
        });
        await database.AddDomainAsync();
        await database.AddMailboxAsync("alice@portal.test");
        return new DeliveryBench(database, dns, peer);
    }

    public async Task RunAsync()
    {
        await StartWriterAsync();
        await Database.Get<QueueRunner>().StartAsync(CancellationToken.None);
    }

    /// <summary>Moves the time, and tells the runner: it may just have been looking with the old one.</summary>
    public void MoveTo(DateTimeOffset at)
    {
        Clock.SetUtcNow(at);
        Database.Feed.Publish(Change.Queue);
    }

    /// <summary>Stops only the runner, as a stopping host does.</summary>
    public Task StopRunnerAsync() => Database.Get<QueueRunner>().StopAsync(CancellationToken.None);

    /// <summary>Queues a message as the receiver would.</summary>
    public async Task<Guid> SubmitAsync(string from, string[] to, string text = Text, Func<QueueEntry, QueueEntry>? with = null)
    {
        await StartWriterAsync();
        using var spool = Database.Get<ContentSpoolFactory>().Create();
        await spool.WriteAsync(Encoding.Latin1.GetBytes(text), CancellationToken.None);
        using var content = await spool.CompleteAsync(CancellationToken.None);
        var (queueId, now) = (Guid.CreateVersion7(), Clock.GetUtcNow());
        var written = await Database.Get<MailWriter>().WriteAsync(new Acceptance
        {
            QueueId = queueId,
            At = now,
            Content = content,
            TraceFields = Encoding.ASCII.GetBytes($"Return-Path: <{from}>\r\nReceived: by mx.portal.test id {queueId}; now\r\n"),
            Head = MessageHead.Parse(content.Head.Span),
            ReversePath = from,
            Entries = [.. to.Select(t => EntryOf(queueId, from, t, content.RawBytes, now)).Select(e => with?.Invoke(e) ?? e)],
            Trace = new MessageTrace { QueueId = queueId, At = now, ReversePath = from, SizeBytes = content.RawBytes },
            Recipients = [.. to.Select((t, i) => new TraceRecipient { QueueId = queueId, Index = i, Recipient = MailAddress.Parse(t).Folded, Outcome = RecipientOutcome.Queued, UpdatedAt = now })],
        });
        Assert.Equal(WriteResult.Committed, written);
        return queueId;
    }

    public static QueueEntry EntryOf(Guid queueId, string from, string to, long sizeBytes, DateTimeOffset now, DsnNotify notify = DsnNotify.Default) => new()
    {
        QueueId = queueId,
        ReversePath = from,
        ForwardPath = to,
        RouteKey = to[(to.LastIndexOf('@') + 1)..],
        CreatedAt = now,
        NextAttemptAt = now,
        ExpiresAt = now.AddDays(5),
        SizeBytes = sizeBytes,
        Notify = notify,
    };

    public Task<List<QueueEntry>> QueueAsync() => Database.ReadAsync(db => db.QueueEntries.AsNoTracking().OrderBy(e => e.Id).ToListAsync());

    public Task<RecipientOutcome> OutcomeAsync(Guid queueId) => Database.ReadAsync(db => db.TraceRecipients.AsNoTracking().Where(r => r.QueueId == queueId).Select(r => r.Outcome).SingleAsync());

    /// <summary>Messages in a mailbox of ours, as text.</summary>
    public async Task<List<string>> InboxAsync(string address)
    {
        var ids = await Database.ReadAsync(db => (from item in db.MailItems
                                                  join mailbox in db.Mailboxes on item.MailboxId equals mailbox.Id
                                                  where mailbox.PrimaryAddress == address
                                                  orderby item.Uid
                                                  select item.MessageId).ToListAsync());
        var texts = new List<string>();
        foreach (var id in ids)
        {
            await using var stream = (await Database.Get<ContentReader>().OpenAsync(id, CancellationToken.None))!;
            using var reader = new StreamReader(stream, Encoding.UTF8);
            texts.Add(await reader.ReadToEndAsync());
        }

        return texts;
    }

    /// <summary>Waits until the queue is as wanted, looking again whenever something changed.</summary>
    public async Task<List<QueueEntry>> QueueBecomesAsync(Func<List<QueueEntry>, bool> isWanted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var changed = new SemaphoreSlim(1);
        using var subscription = Database.Feed.Subscribe((_, _) => changed.Release());
        while (true)
        {
            var queue = await QueueAsync();
            if (isWanted(queue)) return queue;
            Assert.False(patience.IsCancellationRequested, $"After a minute still {string.Join("; ", queue.Select(e => $"{e.ForwardPath} {e.State} {e.Attempt} {e.Cause} {e.LastReply}"))}");
            await changed.WaitAsync(TimeSpan.FromSeconds(1));
        }
    }

    public Task<List<QueueEntry>> QueueIsEmptyAsync() => QueueBecomesAsync(q => q.Count == 0);

    /// <summary>Waits until one entry waits for its next try after so many.</summary>
    public async Task<QueueEntry> DeferredAsync(int attempts) =>
        Assert.Single(await QueueBecomesAsync(q => q is [{ State: QueueState.Due } only] && only.Attempt == attempts && only.NextAttemptAt > Clock.GetUtcNow()));

    public async ValueTask DisposeAsync()
    {
        await Peer.DisposeAsync();
        if (Database.Get<QueueRunner>().ExecuteTask is not null) await StopRunnerAsync();
        if (isWriting) await Database.Get<MailWriter>().StopAsync(CancellationToken.None);
        await Database.DisposeAsync();
    }

    /// <summary>Starts what commits; again is nothing.</summary>
    public async Task StartWriterAsync()
    {
        if (isWriting) return;
        isWriting = true;
        await Database.Get<MailWriter>().StartAsync(CancellationToken.None);
    }
}
