using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web;

/// <summary>Into the portal and out of it, through HTTP as a browser speaks it.</summary>
public sealed partial class SignInTests : IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync();

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task The_right_password_opens_the_portal_and_the_cookie_is_for_the_server_only()
    {
        using var browser = new PortalBrowser(portal);
        Assert.Contains("sign-in?returnUrl=", (await browser.GetAsync("account")).Location, StringComparison.Ordinal);

        var (status, _, location) = await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        Assert.Equal(HttpStatusCode.Redirect, status);
        Assert.EndsWith("/", location, StringComparison.Ordinal);
        var cookie = Assert.Single(browser.Cookies, c => c.Name == "portal-session");
        Assert.True(cookie.HttpOnly);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("account")).Status);
    }

    [Fact]
    public async Task Over_HTTPS_the_cookie_is_bound_to_the_host()
    {
        using var browser = new PortalBrowser(portal, https: true);

        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        var cookie = Assert.Single(browser.Cookies, c => c.Name == "__Host-portal-session");
        Assert.True(cookie is { Secure: true, HttpOnly: true, Path: "/" });
    }

    [Fact]
    public async Task Known_unknown_and_disabled_names_read_the_same()
    {
        var disabled = await portal.AddMailboxAsync("gone@portal.test");
        await portal.Get<MailboxService>().DisableAsync(Actor.Operator(), disabled.MailboxId, CancellationToken.None);
        using var browser = new PortalBrowser(portal);

        var known = await browser.SignInAsync(PortalHost.AdminAddress, "wrong password here");
        var unknown = await browser.SignInAsync("nobody@portal.test", "wrong password here");
        var off = await browser.SignInAsync("gone@portal.test", PortalHost.Password);

        Assert.Contains("is wrong", known.Text, StringComparison.Ordinal);
        Assert.Equal(Told(known.Text), Told(unknown.Text));
        Assert.Equal(Told(known.Text), Told(off.Text));
        Assert.Equal(known.Status, unknown.Status);
    }

    [Fact]
    public async Task Known_and_unknown_names_take_like_time()
    {
        const int Rounds = 3, FreeTries = 3;   // a fourth try of one name would be refused unread
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync("warm@portal.test", "wrong password here");   // the first hash warms up
        var (_, page, _) = await browser.GetAsync("sign-in");
        List<double> apart = [];

        for (var round = 0; round < Rounds; round++)
        {
            await portal.AddMailboxAsync($"known{round}@portal.test");
            List<double> known = [], unknown = [];
            for (var i = 0; i < FreeTries; i++)
            {
                known.Add(await MillisecondsAsync(browser, page, $"known{round}@portal.test"));
                unknown.Add(await MillisecondsAsync(browser, page, $"nobody{round}@portal.test"));
            }

            apart.Add(Math.Abs(known.Min() - unknown.Min()));
        }

        // DESIGN §6: both take as long. A name without a hash would answer sooner by the 50 ms of one in every round, a busy machine not in all of them.
        Assert.True(apart.Min() < 50, $"apart by {string.Join(", ", apart.Select(a => $"{a:0} ms"))}");
    }

    [Theory]
    [InlineData(PortalHost.AdminAddress)]
    [InlineData("nobody@portal.test")]
    public async Task Wrong_tries_slow_the_pair_down_whether_or_not_the_name_exists(string name)
    {
        using var browser = new PortalBrowser(portal);
        for (var i = 0; i < 6; i++) await browser.SignInAsync(name, "wrong password here");

        var (_, text, _) = await browser.SignInAsync(name, PortalHost.Password);

        Assert.Contains("Too many wrong tries", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_without_its_token_is_refused()
    {
        using var browser = new PortalBrowser(portal);
        await browser.GetAsync("sign-in");

        var (status, _, _) = await browser.PostAsync("sign-in", ("_handler", "sign-in"), ("Form.Name", PortalHost.AdminAddress), ("Form.Password", PortalHost.Password));

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.DoesNotContain(browser.Cookies, c => c.Name == "portal-session");
    }

    [Fact]
    public async Task Signing_out_needs_the_token_too_and_ends_the_session()
    {
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.PostAsync("sign-out")).Status);

        var (_, page, _) = await browser.GetAsync("account/password");
        await browser.PostAsync("sign-out", ("__RequestVerificationToken", PortalBrowser.TokenOf(page)));

        Assert.Contains("sign-in", (await browser.GetAsync("account")).Location, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/\\evil.example")]
    public async Task After_signing_in_nobody_is_sent_elsewhere(string returnUrl)
    {
        using var browser = new PortalBrowser(portal);

        var (_, _, location) = await browser.SubmitAsync($"sign-in?returnUrl={Uri.EscapeDataString(returnUrl)}", "sign-in", ("Form.Name", PortalHost.AdminAddress), ("Form.Password", PortalHost.Password));

        Assert.Equal("localhost", new Uri(portal.Url, location).Host);
    }

    [Fact]
    public async Task Pages_of_other_roles_are_not_there_for_a_user()
    {
        await portal.AddMailboxAsync("anna@portal.test");
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync("anna@portal.test", PortalHost.Password);

        var (status, text, _) = await browser.GetAsync("admin/about");

        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.DoesNotContain(portal.DataFolder, text, StringComparison.Ordinal);
    }

    private static async Task<double> MillisecondsAsync(PortalBrowser browser, string page, string name)
    {
        var watch = Stopwatch.StartNew();
        await browser.PostAsync("sign-in", ("_handler", "sign-in"), ("__RequestVerificationToken", PortalBrowser.TokenOf(page)), ("Form.Name", name), ("Form.Password", "wrong password here"));
        return watch.Elapsed.TotalMilliseconds;
    }

    // The sentence alone: the page around it holds the name that was typed.
    private static string Told(string page) => Problem().Match(page).Groups["text"].Value;

    [GeneratedRegex("""id="problem"[^>]*>(?<text>[^<]+)<""")]
    private static partial Regex Problem();
}
