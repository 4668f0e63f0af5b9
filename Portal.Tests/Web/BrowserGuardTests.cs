using System.Net;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web;

/// <summary>What every answer tells the browser, and what a page of another site can't do.</summary>
public sealed class BrowserGuardTests : IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync();

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task Pages_carry_a_policy_without_inline_scripts_and_are_not_kept()
    {
        using var browser = new PortalBrowser(portal);

        using var answer = await browser.Http.GetAsync("sign-in");

        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.True(answer.Headers.CacheControl?.NoStore);
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    [InlineData("http://localhost:1")]
    public async Task The_hub_answers_our_own_pages_only(string origin)
    {
        using var browser = new PortalBrowser(portal);
        using var ask = new HttpRequestMessage(HttpMethod.Post, "_blazor/negotiate?negotiateVersion=1");
        ask.Headers.Add("Origin", origin);

        using var answer = await browser.Http.SendAsync(ask);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task The_hub_answers_our_own_page()
    {
        using var browser = new PortalBrowser(portal);
        using var ask = new HttpRequestMessage(HttpMethod.Post, "_blazor/negotiate?negotiateVersion=1");
        ask.Headers.Add("Origin", portal.Url.GetLeftPart(UriPartial.Authority));

        using var answer = await browser.Http.SendAsync(ask);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("_content/MudBlazor/MudBlazor.min.css", 100_000)]
    [InlineData("_content/MudBlazor/MudBlazor.min.js", 10_000)]
    [InlineData("_framework/blazor.web.js", 50_000)]
    [InlineData("portal.css", 5_000)]
    [InlineData("portal.js", 1_000)]
    public async Task Styles_and_scripts_are_served_whole(string path, int atLeast)
    {
        using var browser = new PortalBrowser(portal);

        var (status, text, _) = await browser.GetAsync(path);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(text.Length >= atLeast, $"{path}: {text.Length}");
    }

    [Fact]
    public async Task An_unknown_address_is_said_in_words_with_404()
    {
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        var (status, text, _) = await browser.GetAsync("nowhere/at/all");

        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains("There is nothing at this address", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "登录")]
    [InlineData("en-GB", "en", "Sign in")]
    [InlineData("de,fr;q=0.5", "en", "Sign in")]
    public async Task The_browser_chooses_the_language_until_somebody_does(string accepts, string language, string title)
    {
        using var browser = new PortalBrowser(portal);
        browser.Http.DefaultRequestHeaders.AcceptLanguage.Clear();
        browser.Http.DefaultRequestHeaders.AcceptLanguage.ParseAdd(accepts);

        var (_, text, _) = await browser.GetAsync("sign-in");

        Assert.Contains($"<html lang=\"{language}\"", text, StringComparison.Ordinal);
        Assert.Contains(title, text, StringComparison.Ordinal);

        await browser.GetAsync("language/zh-Hans?returnUrl=sign-in");
        Assert.Contains("<html lang=\"zh-Hans\"", (await browser.GetAsync("sign-in")).Text, StringComparison.Ordinal);
    }
}
