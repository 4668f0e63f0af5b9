using System.Threading.Channels;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>Servers that take a connection and say nothing, or very little: anybody can have mail sent to many of them.</summary>
public sealed class SilentServersTests
{
    private const string Alice = "alice@portal.test";
    private const string Bob = "bob@example.org";

    [Theory, BothDatabases]
    public async Task They_hold_up_neither_whoever_answers_nor_what_stays_here(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind, ("Portal:Delivery:MaxConnections", "4"));
        var silence = new TaskCompletionSource();
        bench.Peer.OnConnect = address => address == "127.0.0.3" ? silence.Task : Task.CompletedTask;
        await bench.SubmitAsync(Alice, [Bob]);
        await bench.QueueIsEmptyAsync();
        var silent = Enumerable.Range(0, 250).Select(i => $"silent{i}.example").ToList();   // more than one look takes
        silent.ForEach(domain => bench.Dns.MailTo(domain, "127.0.0.3"));

        await bench.SubmitAsync(Alice, [.. silent.Select(domain => $"bob@{domain}")]);
        await bench.QueueBecomesAsync(q => q.Count(e => e.State == QueueState.Claimed) == 3);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        await bench.SubmitAsync(Alice, [Bob]);
        await bench.SubmitAsync(Alice, [Alice], with: Local);
        var left = await bench.QueueBecomesAsync(q => q.TrueForAll(e => silent.Contains(e.RouteKey)));

        Assert.Equal((250, 3), (left.Count, left.Count(e => e.State == QueueState.Claimed)));
        Assert.Equal(2, bench.Peer.Mails.Count);
        Assert.Single(await bench.InboxAsync(Alice));
    }

    [Fact]
    public async Task Those_that_were_silent_last_leave_half_of_the_connections_to_the_others()
    {
        await using var bench = await DeliveryBench.StartAsync(DatabaseKind.Sqlite, ("Portal:Delivery:MaxConnections", "4"));
        var called = Channel.CreateUnbounded<string>();
        var silence = new TaskCompletionSource();
        bench.Peer.OnConnect = address =>
        {
            called.Writer.TryWrite(address);
            return address == "127.0.0.3" ? silence.Task : Task.CompletedTask;
        };
        string[] silent = ["one.example", "two.example", "three.example"];
        foreach (var domain in silent) bench.Dns.MailTo(domain, "127.0.0.3");
        await bench.SubmitAsync(Alice, [.. silent.Select(domain => $"bob@{domain}")]);
        foreach (var _ in silent) await called.Reader.ReadAsync();
        bench.Clock.Advance(TimeSpan.FromMinutes(5));
        await bench.QueueBecomesAsync(q => q.TrueForAll(e => e is { State: QueueState.Due, Attempt: 1, LastRule: "attempt.silentAtGreeting" }));

        bench.MoveTo(bench.Clock.GetUtcNow().AddMinutes(10));   // all three are due again
        await bench.QueueBecomesAsync(q => q.Count(e => e.State == QueueState.Claimed) == 2);
        await bench.SubmitAsync(Alice, [Bob]);   // of whom nothing is known yet
        var left = await bench.QueueBecomesAsync(q => q.TrueForAll(e => silent.Contains(e.RouteKey)));

        Assert.Equal(2, left.Count(e => e.State == QueueState.Claimed));
        Assert.Single(bench.Peer.Mails);
    }

    [Fact]
    public async Task A_silent_server_leaves_the_next_one_its_time()
    {
        await using var bench = await DeliveryBench.StartAsync(DatabaseKind.Sqlite);
        var called = Silent(bench, "127.0.0.5");
        bench.Dns.Mx("two.example", (10, "a.two.example"), (20, "b.two.example")).Host("a.two.example", "127.0.0.5").Host("b.two.example", "127.0.0.6");

        await bench.SubmitAsync(Alice, ["bob@two.example"]);
        Assert.Equal("127.0.0.5", await called.Reader.ReadAsync());
        bench.Clock.Advance(TimeSpan.FromSeconds(150));
        await bench.QueueIsEmptyAsync();

        Assert.Equal("127.0.0.6", Assert.Single(bench.Peer.Mails).Address);
    }

    [Fact]
    public async Task Five_silent_servers_take_five_minutes_together()
    {
        await using var bench = await DeliveryBench.StartAsync(DatabaseKind.Sqlite);
        string[] hosts = ["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7"];
        var called = Silent(bench, hosts);
        bench.Dns.Mx("five.example", [.. hosts.Select((h, i) => (i, $"mx{i}.five.example"))]);
        for (var i = 0; i < hosts.Length; i++) bench.Dns.Host($"mx{i}.five.example", hosts[i]);

        await bench.SubmitAsync(Alice, ["bob@five.example"]);
        foreach (var host in hosts)
        {
            Assert.Equal(host, await called.Reader.ReadAsync());
            bench.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal("attempt.silentAtGreeting", (await bench.DeferredAsync(1)).LastRule);
    }

    [Fact]
    public async Task An_envelope_that_is_answered_too_slowly_ends_the_try_for_all_that_waits_for_the_same_server()
    {
        await using var bench = await DeliveryBench.PrepareAsync(DatabaseKind.Sqlite);
        bench.Peer.Extensions = [];
        var (mail, recipient, goOn) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        bench.Peer.OnCommand = line =>
        {
            if (line.StartsWith("MAIL", StringComparison.Ordinal))
            {
                mail.TrySetResult();
                return goOn.Task;
            }

            if (!line.StartsWith("RCPT", StringComparison.Ordinal)) return Task.CompletedTask;
            recipient.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        for (var i = 0; i < 3; i++) await bench.SubmitAsync(Alice, [Bob]);
        await bench.RunAsync();

        await mail.Task;
        bench.Clock.Advance(TimeSpan.FromMinutes(4));
        goOn.SetResult();
        await recipient.Task;
        bench.Clock.Advance(TimeSpan.FromSeconds(70));
        var left = await bench.QueueBecomesAsync(q => q.TrueForAll(e => e is { State: QueueState.Due, Attempt: 1 }));

        Assert.All(left, e => Assert.Equal("attempt.tookTooLong", e.LastRule));
        Assert.Equal(1, bench.Peer.Connections);
    }

    private static Channel<string> Silent(DeliveryBench bench, params string[] addresses)
    {
        var called = Channel.CreateUnbounded<string>();
        bench.Peer.OnConnect = address =>
        {
            called.Writer.TryWrite(address);
            return addresses.Contains(address) ? new TaskCompletionSource().Task : Task.CompletedTask;
        };
        return called;
    }

    private static QueueEntry Local(QueueEntry entry) => new()
    {
        QueueId = entry.QueueId,
        Kind = QueueKind.Local,
        ReversePath = entry.ReversePath,
        ForwardPath = entry.ForwardPath,
        RouteKey = QueueEntry.LocalRouteKey,
        CreatedAt = entry.CreatedAt,
        NextAttemptAt = entry.NextAttemptAt,
        ExpiresAt = entry.ExpiresAt,
        SizeBytes = entry.SizeBytes,
    };
}
