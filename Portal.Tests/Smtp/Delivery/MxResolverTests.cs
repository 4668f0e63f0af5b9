using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Queue;
using Portal.Smtp.Delivery;
using Portal.Smtp.Dns;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp.Delivery;

public sealed class MxResolverTests
{
    private readonly FakeDns dns = new();
    private readonly DeliveryOptions options = new() { HostName = "mx.portal.test" };

    [Fact]
    public async Task Servers_come_by_preference_and_with_the_delivery_port()
    {
        dns.Mx("example.org", (20, "b.example.org"), (10, "a.example.org"), (30, "c.example.org"))
            .Host("a.example.org", "192.0.2.1").Host("b.example.org", "192.0.2.2").Host("c.example.org", "192.0.2.3");

        var hosts = await ResolveAsync("example.org");

        Assert.Equal(["a.example.org[192.0.2.1]:25", "b.example.org[192.0.2.2]:25", "c.example.org[192.0.2.3]:25"], hosts.Hosts.Select(h => h.ToString()));
    }

    [Fact]
    public async Task Servers_of_equal_preference_are_tried_in_an_order_of_chance()
    {
        dns.Mx("example.org", (10, "a.example.org"), (10, "b.example.org")).Host("a.example.org", "192.0.2.1").Host("b.example.org", "192.0.2.2");

        var first = new HashSet<string>();
        for (var i = 0; i < 200; i++) first.Add((await ResolveAsync("example.org")).Hosts[0].Host);

        Assert.Equal(2, first.Count);   // the chance to fail is 2 in 2^200
    }

    [Fact]
    public async Task Without_MX_the_domain_itself_is_the_server()
    {
        dns.Host("example.org", "192.0.2.9");

        Assert.Equal("example.org[192.0.2.9]:25", Assert.Single((await ResolveAsync("example.org")).Hosts).ToString());
    }

    [Fact]
    public async Task IPv6_goes_before_IPv4()
    {
        dns.Mx("example.org", (10, "a.example.org")).Host("a.example.org", "192.0.2.1", "2001:db8::1");

        var families = (await ResolveAsync("example.org")).Hosts.Select(h => h.EndPoint.AddressFamily);

        Assert.Equal(Socket.OSSupportsIPv6 ? [AddressFamily.InterNetworkV6, AddressFamily.InterNetwork] : [AddressFamily.InterNetwork], families);
    }

    [Theory]
    [InlineData("null.example", 556, "5.1.10")]
    [InlineData("nowhere.example", 550, "5.1.2")]
    [InlineData("empty.example", 550, "5.1.2")]
    [InlineData("hostless.example", 550, "5.4.4")]
    [InlineData("loop.example", 554, "5.4.6")]
    [InlineData("inside.example", 550, "5.4.4")]
    [InlineData("broken.example", 451, "4.4.3")]
    [InlineData("brokenhost.example", 451, "4.4.3")]
    public async Task Where_no_mail_can_go_says_why(string domain, int code, string status)
    {
        dns.Mx("null.example", (0, ""))
            .Mx("empty.example")
            .Mx("hostless.example", (10, "gone.example"))
            .Mx("loop.example", (10, "mx.portal.test"), (20, "backup.example")).Host("mx.portal.test", "192.0.2.1").Host("backup.example", "192.0.2.2")
            .Mx("inside.example", (10, "localhost.example")).Host("localhost.example", "127.0.0.1", "0.0.0.0", "224.0.0.1")
            .Fail("broken.example")
            .Mx("brokenhost.example", (10, "broken.example"));
        dns.Host("empty.example");

        var hosts = await ResolveAsync(domain);

        Assert.Empty(hosts.Hosts);
        Assert.Equal((code, status), (hosts.Refusal!.Code, hosts.Refusal.Status));
    }

    [Fact]
    public async Task As_a_backup_we_send_only_to_servers_preferred_to_us()
    {
        dns.Mx("example.org", (10, "a.example.org"), (20, "mx.portal.test"), (30, "c.example.org")).Host("a.example.org", "192.0.2.1").Host("mx.portal.test", "192.0.2.5").Host("c.example.org", "192.0.2.3");

        Assert.Equal("a.example.org", Assert.Single((await ResolveAsync("example.org")).Hosts).Host);
    }

    [Fact]
    public async Task One_answering_server_is_enough_though_another_cannot_be_found()
    {
        dns.Mx("example.org", (10, "a.example.org"), (20, "b.example.org")).Fail("a.example.org").Host("b.example.org", "192.0.2.2");

        Assert.Equal("b.example.org", Assert.Single((await ResolveAsync("example.org")).Hosts).Host);
    }

    [Theory]
    [InlineData("[192.0.2.7]", "192.0.2.7")]
    [InlineData("[ipv6:2001:db8::7]", "2001:db8::7")]
    public async Task An_address_literal_is_its_own_server(string literal, string address) =>
        Assert.Equal(IPAddress.Parse(address), Assert.Single((await ResolveAsync(literal)).Hosts).EndPoint.Address);

    [Fact]
    public async Task A_smart_host_that_is_not_found_keeps_mail_waiting()
    {
        var hosts = await Resolver(dns).ForRouteAsync(new Route { Name = "r", Host = "relay.example" }, null, CancellationToken.None);

        Assert.True(hosts.Refusal!.IsTransient);
    }

    [Fact]
    public async Task A_silent_DNS_holds_nobody_for_longer_than_its_total()
    {
        var clock = new FakeTimeProvider();
        var silent = new SilentDns();
        var resolving = new MxResolver(silent, Options.Create(options), Options.Create(new DnsOptions()), clock).ForDomainAsync("example.org", CancellationToken.None);
        await silent.Asked.Task;

        clock.Advance(TimeSpan.FromSeconds(21));

        Assert.Equal("4.4.3", (await resolving).Refusal!.Status);
    }

    private MxResolver Resolver(IMailDns from) => new(from, Options.Create(options), Options.Create(new DnsOptions()), TimeProvider.System);

    private Task<MailHosts> ResolveAsync(string domain) => Resolver(dns).ForDomainAsync(domain, CancellationToken.None);
}
