using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web.Hosting;

/// <summary>Servers elsewhere fetch the policy of a domain of ours, by the name of its policy host, from the running program.</summary>
public sealed class MtaStsFileTests : IAsyncLifetime
{
    private const string Testing = "version: STSv1\r\nmode: testing\r\nmx: mx.portal.test\r\nmax_age: 86400\r\n";

    private PortalHost portal = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync();

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task Each_domain_that_takes_mail_has_its_own_and_nobody_else_has_one()
    {
        var own = await AddAsync("own.example");
        await AddAsync("bücher.example", own);
        var off = await AddAsync("off.example");
        await AddAsync("alias-of-off.example", off);
        var none = await AddAsync("none.example");
        await portal.Get<DomainService>().SetDisabledAsync(Actor.Operator(), off, true, Cancel);
        await portal.Get<DomainService>().SetTransportAsync(Actor.Operator(), own, 0, MtaStsMode.Enforce, 30, Cancel);
        await portal.Get<DomainService>().SetTransportAsync(Actor.Operator(), none, 0, MtaStsMode.None, null, Cancel);

        foreach (var host in new[] { "mta-sts.portal.test", "mta-sts.portal.test:8443", "mta-sts.portal.test.", "MTA-STS.Portal.TEST", "mta-sts.xn--bcher-kva.example" })
            Assert.Equal((host, HttpStatusCode.OK, Testing), await AskAsync(host));
        Assert.Equal(("mta-sts.own.example", HttpStatusCode.OK, "version: STSv1\r\nmode: enforce\r\nmx: mx.portal.test\r\nmax_age: 2592000\r\n"), await AskAsync("mta-sts.own.example"));
        Assert.Equal(("mta-sts.none.example", HttpStatusCode.OK, "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n"), await AskAsync("mta-sts.none.example"));   // it has just been taken back
        foreach (var host in new[] { "portal.test", "localhost", "127.0.0.1", "[::1]:8080", "mta-sts.", "mta-sts", "mta-sts.elsewhere.example", "mta-sts.off.example", "mta-sts.alias-of-off.example", "mta-sts.mta-sts.portal.test", "x.mta-sts.portal.test", "mta-sts.portal.test..", $"mta-sts.{new string('a', 250)}.{new string('b', 8_000)}" })
            Assert.Equal((host, HttpStatusCode.NotFound, ""), await AskAsync(host));
        foreach (var host in new[] { "mta-sts.bücher.example", "mta-sts.portal test", "mta-sts.portal.test:x", "mta-sts.portal.test/" })
            Assert.Equal((host, HttpStatusCode.BadRequest, ""), await AskAsync(host));
    }

    [Fact]
    public async Task It_is_plain_text_that_may_be_kept_for_minutes_without_sign_in_or_a_way_elsewhere_and_read_only()
    {
        using var client = Client();
        using var answer = await client.SendAsync(Question("mta-sts.portal.test"), Cancel);

        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal((true, TimeSpan.FromMinutes(5)), (answer.Headers.CacheControl!.Public, answer.Headers.CacheControl.MaxAge!.Value));
        Assert.False(answer.Headers.Contains("Set-Cookie"));
        using var posted = await client.SendAsync(Question("mta-sts.portal.test", HttpMethod.Post), Cancel);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, posted.StatusCode);
    }

    [Fact]
    public async Task A_policy_that_was_taken_back_is_gone_once_no_sender_can_hold_it()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var later = await PortalHost.StartAsync(new PortalHostWishes { Configure = builder => builder.Services.AddSingleton<TimeProvider>(clock) });
        var id = (await later.Get<DomainService>().FindAsync(Actor.Operator(), PortalHost.Domain, Cancel)).Value.Id;
        await later.Get<DomainService>().SetTransportAsync(Actor.Operator(), id, 0, MtaStsMode.None, null, Cancel);

        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync("mta-sts.portal.test", later)).Status);
        clock.Advance(MtaStsSetting.CacheFor);
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync("mta-sts.portal.test", later)).Status);
    }

    private static HttpClient Client() => new(new HttpClientHandler { AllowAutoRedirect = false });

    private HttpRequestMessage Question(string host, HttpMethod? method = null) =>
        new(method ?? HttpMethod.Get, new Uri(portal.Url, MtaStsPolicy.Path)) { Headers = { Host = host } };

    /// <summary>Asks by hand: a client of the framework would not say every name.</summary>
    private async Task<(string Host, HttpStatusCode Status, string Text)> AskAsync(string host, PortalHost? of = null)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, (of ?? portal).WebPort, Cancel);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"GET {MtaStsPolicy.Path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), Cancel);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(Cancel);
        return (host, Enum.Parse<HttpStatusCode>(answer.Split(' ')[1]), answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
    }

    private async Task<Guid> AddAsync(string name, Guid? aliasOf = null) => (await portal.Get<DomainService>().CreateAsync(Actor.Operator(), name, aliasOf, null, Cancel)).Value;
}
