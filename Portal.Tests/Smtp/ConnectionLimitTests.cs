using System.Net;
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
    public async Task Implicit_TLS_is_closed_without_a_word()
    {
        await using var server = await SmtpTestServer.StartAsync(new Dictionary<string, string?> { ["Portal:Smtp:MaxConnectionsPerAddress"] = "1" });
        server.Connect();

        var client = server.Connect(SmtpListenerKind.Submissions);

        Assert.Null(await client.ReadReplyAsync());
    }
}
