using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Portal.Smtp.Dns;
using Portal.Tests.Fixtures;
using DomainName = ARSoft.Tools.Net.DomainName;

namespace Portal.Tests.Smtp.Dns;

/// <summary>Our view of the DNS, against a name server of the test's own.</summary>
public sealed class MailDnsTests : IDisposable
{
    private readonly TestDns server = new();
    private readonly FakeTimeProvider clock = new();
    private readonly DnsResolvers resolvers;
    private readonly MailDns dns;

    public MailDnsTests()
    {
        resolvers = new DnsResolvers(Options.Create(new DnsOptions { Servers = [server.Setting] }), clock, NullLogger<DnsResolvers>.Instance);
        dns = new MailDns(new DnsCache(resolvers, clock), resolvers);
    }

    public void Dispose()
    {
        resolvers.Dispose();
        server.Dispose();
    }

    [Fact]
    public async Task Every_question_is_read_from_a_real_name_server()
    {
        server.Mx("example.org", "a.example.org", 20).Mx("example.org", "b.example.org", 10).Host("a.example.org", "192.0.2.1").Host("b.example.org", "2001:db8::2")
            .NullMx("null.example").Fail("broken.example")
            .PointTo("192.0.2.1", "a.example.org")
            .Add(new ARSoft.Tools.Net.Dns.TxtRecord(ARSoft.Tools.Net.DomainName.Parse("example.org"), 60, ["v=spf1 mx ", "-all"]));

        var exchangers = await dns.MailExchangersAsync("example.org", CancellationToken.None);
        Assert.Equal([new(10, "b.example.org"), new(20, "a.example.org")], exchangers.Records.OrderBy(r => r.Preference));
        Assert.Equal(["v=spf1 mx -all"], (await dns.TextsAsync("example.org", CancellationToken.None)).Records);
        Assert.Equal(DnsStatus.NoSuchName, (await dns.TextsAsync("nowhere.example", CancellationToken.None)).Status);
        Assert.Equal([new(0, "")], (await dns.MailExchangersAsync("null.example", CancellationToken.None)).Records);
        Assert.Equal(DnsStatus.NoSuchName, (await dns.MailExchangersAsync("nowhere.example", CancellationToken.None)).Status);
        Assert.Equal(DnsStatus.Failed, (await dns.MailExchangersAsync("broken.example", CancellationToken.None)).Status);
        Assert.Equal([IPAddress.Parse("192.0.2.1")], (await dns.AddressesAsync("a.example.org", CancellationToken.None)).Records);
        Assert.Equal([IPAddress.Parse("2001:db8::2")], (await dns.AddressesAsync("b.example.org", CancellationToken.None)).Records);
        Assert.Equal(["a.example.org"], (await dns.PointersAsync(IPAddress.Parse("192.0.2.1"), CancellationToken.None)).Records);
        Assert.Equal((DnsStatus.Answered, 0), (await dns.AddressesAsync("null.example", CancellationToken.None)) is var none ? (none.Status, none.Records.Count) : default);
    }

    [Fact]
    public async Task An_answer_is_remembered_as_long_as_it_holds()
    {
        server.Host("a.example.org", "192.0.2.1");

        for (var i = 0; i < 3; i++) Assert.Single((await AddressesAsync("a.example.org")).Records);
        Assert.Equal(1, TimesAsked("a.example.org A"));

        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Single((await AddressesAsync("A.example.org")).Records);
        Assert.Equal(2, TimesAsked("a.example.org A"));
    }

    [Fact]
    public async Task That_nothing_is_there_is_remembered_as_long_as_the_SOA_says_and_not_at_all_without_one()
    {
        await AddressesAsync("nowhere.example");
        await AddressesAsync("nowhere.example");
        Assert.Equal(2, TimesAsked("nowhere.example A"));

        server.Authority("example.com", negativeSeconds: 30);
        Assert.Equal(DnsStatus.NoSuchName, (await AddressesAsync("nowhere.example.com")).Status);
        Assert.Equal(DnsStatus.NoSuchName, (await AddressesAsync("nowhere.example.com")).Status);
        Assert.Equal(1, TimesAsked("nowhere.example.com A"));

        clock.Advance(TimeSpan.FromSeconds(31));
        await AddressesAsync("nowhere.example.com");
        Assert.Equal(2, TimesAsked("nowhere.example.com A"));
    }

    [Fact]
    public async Task A_failure_is_not_remembered()
    {
        server.Host("a.example.org", "192.0.2.1").Fail("a.example.org");
        Assert.Equal(DnsStatus.Failed, (await AddressesAsync("a.example.org")).Status);

        server.Mend("a.example.org");

        Assert.Single((await AddressesAsync("a.example.org")).Records);
    }

    [Fact]
    public async Task Who_looks_past_the_memory_sees_what_is_published_now()
    {
        server.Host("a.example.org", "192.0.2.1");
        Assert.Single((await AddressesAsync("a.example.org")).Records);

        server.Host("a.example.org", "192.0.2.2");

        Assert.Single((await AddressesAsync("a.example.org")).Records);
        Assert.Equal(2, (await dns.Live.AddressesAsync("a.example.org", AddressFamily.InterNetwork, CancellationToken.None)).Records.Count);
    }

    [Fact]
    public async Task An_alias_leads_on_and_an_answer_about_another_name_is_none()
    {
        server.Add(new CNameRecord(DomainName.Parse("alias.example.org"), 60, DomainName.Parse("a.example.org"))).Host("a.example.org", "192.0.2.1")
            .Lie("asked.example.org", new ARecord(DomainName.Parse("other.example.org"), 60, IPAddress.Parse("192.0.2.66")));

        Assert.Equal([IPAddress.Parse("192.0.2.1")], (await AddressesAsync("alias.example.org")).Records);
        Assert.Equal((DnsStatus.Answered, 0), (await AddressesAsync("asked.example.org")) is var lie ? (lie.Status, lie.Records.Count) : default);
    }

    [Fact]
    public async Task Who_stops_waiting_leaves_the_question_to_the_others()
    {
        var held = server.Hold("slow.example.org");
        server.Host("slow.example.org", "192.0.2.1");
        using var impatient = new CancellationTokenSource();
        var first = dns.AddressesAsync("slow.example.org", AddressFamily.InterNetwork, impatient.Token);
        var second = AddressesAsync("slow.example.org");
        await held.Asked.Task;

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        held.Release.SetResult();

        Assert.Single((await second).Records);
        Assert.Equal(1, TimesAsked("slow.example.org A"));
    }

    private Task<DnsAnswer<IPAddress>> AddressesAsync(string host) => dns.AddressesAsync(host, AddressFamily.InterNetwork, CancellationToken.None);

    private int TimesAsked(string question) => server.Asked.Count(a => a.Equals(question, StringComparison.OrdinalIgnoreCase));
}
