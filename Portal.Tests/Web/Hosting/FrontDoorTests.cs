using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web.Hosting;

/// <summary>Who may speak plain HTTP to the portal, and which proxies are believed about whom they speak for.</summary>
public sealed class FrontDoorTests
{
    private const string Stranger = "198.51.100.9";
    private const string Proxy = "192.0.2.7";
    private const string Client = "X-Test-Client";

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.8.9.10", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData(Stranger, true)]
    [InlineData("10.0.0.4", true)]
    [InlineData("::ffff:10.0.0.4", true)]
    [InlineData("2001:db8::7", true)]
    public async Task Plain_HTTP_is_for_this_machine_and_everybody_else_is_sent_to_HTTPS(string client, bool isSentAway)
    {
        await using var portal = await StartAsync();
        using var browser = Browser();

        var (status, location) = await AskAsync(browser, new Uri(portal.Url, "sign-in?returnUrl=%2Fmail"), client);

        Assert.Equal(isSentAway ? (HttpStatusCode.PermanentRedirect, $"https://localhost:{portal.HttpsPort}/sign-in?returnUrl=%2Fmail") : (HttpStatusCode.OK, (string?)null), (status, location));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(browser, new Uri($"https://localhost:{portal.HttpsPort}/sign-in"), client)).Status);
    }

    [Fact]
    public async Task Certificates_health_and_metrics_are_asked_for_in_plain_HTTP_too_and_nothing_that_only_begins_like_them()
    {
        await using var portal = await StartAsync();
        using var browser = Browser();

        foreach (var path in new[] { "health/live", "health/ready" }) Assert.Equal(HttpStatusCode.OK, (await AskAsync(browser, new Uri(portal.Url, path), Stranger)).Status);
        foreach (var path in new[] { ".well-known/acme-challenge/token", "metrics" }) Assert.NotEqual(HttpStatusCode.PermanentRedirect, (await AskAsync(browser, new Uri(portal.Url, path), Stranger)).Status);
        foreach (var path in new[] { "healthy", "metrics.html", ".well-knowns/x", "sign-in/health", "_blazor/negotiate" }) Assert.Equal(HttpStatusCode.PermanentRedirect, (await AskAsync(browser, new Uri(portal.Url, path), Stranger)).Status);
    }

    [Theory, BothDatabases]
    public async Task While_the_disk_is_below_its_floor_it_lives_and_is_not_ready(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        using var browser = Browser();
        var storage = portal.Get<IOptions<StorageOptions>>().Value;

        storage.DiskFloorBytes = long.MaxValue;
        using var refused = await browser.GetAsync(new Uri(portal.Url, "health/ready"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "disk"), (refused.StatusCode, await refused.Content.ReadAsStringAsync()));
        Assert.Equal("live", await browser.GetStringAsync(new Uri(portal.Url, "health/live")));
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort)) Assert.StartsWith("452 4.3.1", await talk.AskAsync("MAIL FROM:<carol@example.org>"), StringComparison.Ordinal);

        storage.DiskFloorBytes = 0;
        Assert.Equal("ready", await browser.GetStringAsync(new Uri(portal.Url, "health/ready")));
    }

    [Theory]
    [InlineData(Proxy, "203.0.113.5", "https", HttpStatusCode.OK, null)]   // the browser came to the proxy over HTTPS
    [InlineData(Proxy, "203.0.113.5", "http", HttpStatusCode.PermanentRedirect, "https://localhost/sign-in")]   // its HTTPS port is the usual one, not ours
    [InlineData(Proxy, "127.0.0.1, 203.0.113.5", "http", HttpStatusCode.PermanentRedirect, "https://localhost/sign-in")]   // what the client claimed before the proxy's own word
    [InlineData(Proxy, "203.0.113.5, 192.0.2.8", "https", HttpStatusCode.OK, null)]   // two proxies of ours in a row
    [InlineData(Stranger, "127.0.0.1", "https", HttpStatusCode.PermanentRedirect, "https://localhost:{0}/sign-in")]   // no proxy of ours
    [InlineData("192.0.3.1", "127.0.0.1", "https", HttpStatusCode.PermanentRedirect, "https://localhost:{0}/sign-in")]
    public async Task Only_trusted_proxies_are_believed(string client, string forwardedFor, string proto, HttpStatusCode wanted, string? location)
    {
        await using var portal = await StartAsync("192.0.2.0/24");
        using var browser = Browser();
        var protos = string.Join(", ", Enumerable.Repeat(proto, forwardedFor.Split(',').Length));

        var answer = await AskAsync(browser, new Uri(portal.Url, "sign-in"), client, ("X-Forwarded-For", forwardedFor), ("X-Forwarded-Proto", protos));

        Assert.Equal((wanted, location?.Replace("{0}", $"{portal.HttpsPort}", StringComparison.Ordinal)), answer);
    }

    [Fact]
    public async Task Without_trusted_proxies_nobody_is_believed()
    {
        await using var portal = await StartAsync();
        using var browser = Browser();

        Assert.Equal(HttpStatusCode.PermanentRedirect, (await AskAsync(browser, new Uri(portal.Url, "sign-in"), Proxy, ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https"))).Status);
    }

    private static Task<PortalHost> StartAsync(params string[] trustedProxies) => PortalHost.StartAsync(new PortalHostWishes
    {
        Settings = trustedProxies.Select((proxy, i) => KeyValuePair.Create($"Portal:Web:TrustedProxies:{i}", (string?)proxy)).ToDictionary(),
        Configure = builder => builder.Services.AddSingleton<IStartupFilter, ComingFrom>(),
    });

    private static HttpClient Browser()
    {
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator });
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        return client;
    }

    private static async Task<(HttpStatusCode Status, string? Location)> AskAsync(HttpClient browser, Uri uri, string client, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Headers = { { Client, client } } };
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var answer = await browser.SendAsync(request);
        return (answer.StatusCode, answer.StatusCode == HttpStatusCode.PermanentRedirect ? answer.Headers.Location?.OriginalString : null);
    }

    /// <summary>Tests have loopback only: the connection says it came from where the request's header claims.</summary>
    private sealed class ComingFrom : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, go) =>
            {
                if (IPAddress.TryParse(context.Request.Headers[Client], out var client)) context.Connection.RemoteIpAddress = client;
                return go(context);
            });
            next(app);
        };
    }
}
