using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Portal.Tests.Fixtures;
using Portal.Tests.Web.Mail;

namespace Portal.Tests.EndToEnd;

/// <summary>Reading a mail tells its sender nothing, until the reader asks for what it brings from elsewhere; then our server fetches it.</summary>
[Collection(BrowserCollection.Name)]
public sealed class RemoteContentScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    // One red pixel, so that the browser has something to show.
    private static readonly byte[] Picture = Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==");
    private readonly ConcurrentQueue<string> agents = [];
    private readonly int port = FreePort.Take();
    private WebApplication shop = null!;
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        shop = builder.Build();
        shop.MapGet("/pixel.png", (HttpRequest request) =>
        {
            agents.Enqueue(request.Headers.UserAgent.ToString());
            return Results.Bytes(Picture, "image/png");
        });
        await shop.StartAsync();
        portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = new() { ["Portal:Mail:RemoteImages:AllowPrivateNetworks"] = "true" } });
    }

    public async ValueTask DisposeAsync()
    {
        await portal.DisposeAsync();
        await shop.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_is_fetched_before_the_button_and_then_by_our_server_in_place_of_the_browser()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await portal.DeliverAsync(anna.MailboxId, MailPost.WithFile("Offer", "a.pdf", [1, 2, 3], $"<p>Look</p><img src=\"http://127.0.0.1:{port}/pixel.png\" alt=\"pixel\">"));
        await using var window = await browser.NewPersonAsync(portal.Url);
        await window.SignInAsync("anna@portal.test", PortalHost.Password);
        await window.OpenAsync("mail");
        var page = window.Page;
        var asked = new ConcurrentQueue<string>();
        page.Request += (_, request) => asked.Enqueue(request.Url);

        var body = await page.RunAndWaitForResponseAsync(() => page.Locator(".mail-link").ClickAsync(), answer => answer.Url.Contains("/body?", StringComparison.Ordinal));
        Assert.DoesNotContain("pixel.png", await body.TextAsync(), StringComparison.Ordinal);
        await Assertions.Expect(page.GetByText("Content from elsewhere is not shown")).ToBeVisibleAsync();
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        Assert.Empty(agents);

        var picture = await page.RunAndWaitForResponseAsync(
            () => page.GetByRole(AriaRole.Button, new() { Name = "Show remote content" }).ClickAsync(), answer => answer.Url.Contains("/mail/remote?", StringComparison.Ordinal));

        Assert.Equal((200, "image/png"), (picture.Status, picture.Headers["content-type"]));
        Assert.Equal(Picture, await picture.BodyAsync());
        Assert.Equal("Mozilla/5.0", Assert.Single(agents));   // our fetcher's own words: not which browser, not which person
        Assert.DoesNotContain(asked, url => url.Contains($":{port}", StringComparison.Ordinal));
        await Assertions.Expect(page.GetByText("Content from elsewhere is not shown")).ToHaveCountAsync(0);
        Assert.Empty(window.Faults);
    }
}
