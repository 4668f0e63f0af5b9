using System.Net;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Addresses;
using Portal.Smtp.Server;

namespace Portal.Tests.Smtp;

public sealed class ConnectionLimitTests
{
    private static readonly Dictionary<string, string?> TwoAtATime = new() { ["Portal:Smtp:MaxConnectionsPerAddress"] = "2", ["Portal:Smtp:MaxNewConnectionsPerMinute"] = "4" };

    [Fact]
    public async Task One_connection_too_many_is_421_until_another_ends()
    {
        await using var server = await SmtpTestServer.StartAsync(TwoAtATime);
        var first = server.Connect();
        var second = server.Connect();
        Assert.StartsWith("220", await first.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("220", await second.ReadReplyAsync(), StringComparison.Ordinal);

        var third = server.Connect();
        Assert.StartsWith("421 4.7.0 Too many connections", await third.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Null(await third.ReadReplyAsync());

        Assert.StartsWith("220", await server.Connect(from: IPAddress.Parse("192.0.2.8")).ReadReplyAsync(), StringComparison.Ordinal);
        await first.AskAsync("QUIT");
        await first.Session;
        Assert.StartsWith("220", await server.Connect().ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_new_connections_in_a_minute_are_421_until_the_next()
    {
        await using var server = await SmtpTestServer.StartAsync(TwoAtATime);
        for (var i = 0; i < 4; i++)
        {
            var client = server.Connect();
            Assert.StartsWith("220", await client.ReadReplyAsync(), StringComparison.Ordinal);
            await client.AskAsync("QUIT");
            await client.Session;
        }

        Assert.StartsWith("421", await server.Connect().ReadReplyAsync(), StringComparison.Ordinal);
        server.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.StartsWith("220", await server.Connect().ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_of_IPv6_counts_as_one_and_loopback_only_if_set()
    {
        await using var server = await SmtpTestServer.StartAsync(TwoAtATime);
        for (var i = 1; i <= 2; i++) Assert.StartsWith("220", await server.Connect(from: IPAddress.Parse($"2001:db8::{i}")).ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("421", await server.Connect(from: IPAddress.Parse("2001:db8::ffff")).ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("220", await server.Connect(from: IPAddress.Parse("2001:db8:0:1::1")).ReadReplyAsync(), StringComparison.Ordinal);
        for (var i = 0; i < 5; i++) Assert.StartsWith("220", await server.Connect(from: IPAddress.Loopback).ReadReplyAsync(), StringComparison.Ordinal);

        await using var strict = await SmtpTestServer.StartAsync(new Dictionary<string, string?>(TwoAtATime) { ["Portal:Smtp:LimitLoopback"] = "true" });
        for (var i = 0; i < 2; i++) Assert.StartsWith("220", await strict.Connect(from: IPAddress.IPv6Loopback).ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("421", await strict.Connect(from: IPAddress.IPv6Loopback).ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_places_of_the_MX_port_are_kept_for_clients_that_delivered_before()
    {
        await using var server = await SmtpTestServer.StartAsync(new Dictionary<string, string?> { ["Portal:Smtp:MaxConnections"] = "3", ["Portal:Smtp:ConnectionsForKnownClients"] = "1" });
        var old = server.Connect(from: IPAddress.Parse("198.51.100.1"));
        await DeliverAsync(old);
        var strangers = new[] { server.Connect(from: IPAddress.Parse("192.0.2.1")), server.Connect(from: IPAddress.Parse("192.0.2.2")) };
        foreach (var stranger in strangers) Assert.StartsWith("220", await stranger.ReadReplyAsync(), StringComparison.Ordinal);

        var third = server.Connect(from: IPAddress.Parse("192.0.2.3"));
        Assert.StartsWith("421 4.3.2 Too many connections", await third.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Null(await third.ReadReplyAsync());
        var known = server.Connect(from: IPAddress.Parse("198.51.100.1"));
        Assert.StartsWith("220", await known.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("421 4.3.2", await server.Connect(from: IPAddress.Parse("198.51.100.1")).ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("220", await server.Connect(SmtpListenerKind.Submission, IPAddress.Parse("192.0.2.3")).ReadReplyAsync(), StringComparison.Ordinal);

        foreach (var client in new[] { known, strangers[0] })
        {
            await client.AskAsync("QUIT");
            await client.Session;
        }

        Assert.StartsWith("220", await server.Connect(from: IPAddress.Parse("192.0.2.3")).ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_is_forgotten_after_a_month_and_those_remembered_are_bounded()
    {
        var clock = new FakeTimeProvider();
        var known = new KnownClients(clock);
        known.Remember(IPAddress.Parse("192.0.2.1"));
        Assert.True(known.IsKnown(IPAddress.Parse("192.0.2.1")));
        Assert.False(known.IsKnown(IPAddress.Parse("192.0.2.2")));

        clock.Advance(TimeSpan.FromDays(29));
        for (var i = 0; i < KnownClients.MaxRemembered; i++) known.Remember(new IPAddress(0x0A000000L + i));
        Assert.False(known.IsKnown(IPAddress.Parse("192.0.2.1")));   // the oldest went
        Assert.True(known.IsKnown(new IPAddress(0x0A000000L + KnownClients.MaxRemembered - 1)));

        clock.Advance(TimeSpan.FromDays(30));
        Assert.False(known.IsKnown(new IPAddress(0x0A000000L + KnownClients.MaxRemembered - 1)));
    }

    private static async Task DeliverAsync(SmtpTestClient client)
    {
        await client.ReadReplyAsync();
        await client.AskAsync("HELO client.example.org");
        await client.AskAsync("MAIL FROM:<carol@example.org>");
        await client.AskAsync("RCPT TO:<alice@portal.test>");
        await client.AskAsync("DATA");
        Assert.StartsWith("250", await client.AskAsync("Subject: x\r\n\r\ny\r\n."), StringComparison.Ordinal);
        await client.AskAsync("QUIT");
        await client.Session;
    }

    [Fact]
    public async Task Implicit_TLS_is_closed_without_a_word()
    {
        await using var server = await SmtpTestServer.StartAsync(new Dictionary<string, string?> { ["Portal:Smtp:MaxConnectionsPerAddress"] = "1" });
        Assert.StartsWith("220", await server.Connect().ReadReplyAsync(), StringComparison.Ordinal);   // it has its place from here on

        var client = server.Connect(SmtpListenerKind.Submissions);

        Assert.Null(await client.ReadReplyAsync());
    }
}
