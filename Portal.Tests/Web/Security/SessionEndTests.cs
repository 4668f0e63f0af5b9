using System.Net;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Web.Security;

namespace Portal.Tests.Web.Security;

/// <summary>A session ends in all its pages, when its person says so or when its time is over, and no other session with it.</summary>
public sealed class SessionEndTests
{
    [Theory, BothDatabases]
    public async Task Signing_out_in_one_page_ends_the_others_of_the_session_and_a_copy_of_its_cookie(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        using var here = new PortalBrowser(portal);
        using var there = new PortalBrowser(portal);
        await here.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await there.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        var cookie = CookieOf(here);
        await using var page = new OpenPage(portal, here);
        await using var otherPage = new OpenPage(portal, there);
        Assert.Equal((ActorKind.Account, ActorKind.Account), ((await page.ActorAsync()).Kind, (await otherPage.ActorAsync()).Kind));

        var (_, form, _) = await here.GetAsync("account/password");
        await here.PostAsync("sign-out", ("__RequestVerificationToken", PortalBrowser.TokenOf(form)));

        await page.SignedOut.WaitAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(ActorKind.Visitor, (await page.ActorAsync()).Kind);
        Assert.Contains("sign-in", await AskWithAsync(portal, cookie), StringComparison.Ordinal);
        Assert.Equal(ActorKind.Account, (await otherPage.ActorAsync()).Kind);
        Assert.Equal(HttpStatusCode.OK, (await there.GetAsync("account")).Status);
        Assert.Equal(1, await portal.ReadAsync(db => db.EndedSessions.CountAsync()));
    }

    [Fact]
    public async Task An_open_page_ends_with_the_time_of_its_session()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = builder => builder.Services.AddSingleton<TimeProvider>(clock) });
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await using var page = new OpenPage(portal, browser);

        for (var i = 0; i < 35; i++)
        {
            clock.Advance(TimeSpan.FromMinutes(20));
            await browser.PostAsync("here");
        }

        Assert.Equal(ActorKind.Account, (await page.ActorAsync()).Kind);
        clock.Advance(TimeSpan.FromMinutes(21));

        Assert.Equal(ActorKind.Visitor, (await page.ActorAsync()).Kind);
    }

    [Theory, BothDatabases]
    public async Task An_administrator_who_is_away_is_signed_out_and_told_why(DatabaseKind kind)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Database = kind, Configure = builder => builder.Services.AddSingleton<TimeProvider>(clock) });
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await using var page = new OpenPage(portal, browser);
        for (var i = 0; i < 4; i++)
        {
            clock.Advance(TimeSpan.FromMinutes(20));
            await browser.PostAsync("here");
        }

        clock.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(ActorKind.Account, (await page.ActorAsync()).Kind);
        await browser.PostAsync("_blazor/negotiate");   // an open page that lost its connection: nobody's hand
        clock.Advance(TimeSpan.FromMinutes(2));
        await browser.PostAsync("here");   // too late

        Assert.Equal(ActorKind.Visitor, (await page.ActorAsync()).Kind);
        Assert.True(await page.LooksAwayAsync());
        Assert.DoesNotContain(browser.Cookies, c => c.Name == "portal-session");
        var (_, form, _) = await browser.GetAsync("sign-in?returnUrl=%2Fadmin&away=true");
        Assert.Contains("There was no input for 30 min", form, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_of_somebody_who_was_away_leads_to_the_sign_in_that_says_so()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = builder => builder.Services.AddSingleton<TimeProvider>(clock) });
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        var cookie = CookieOf(browser);

        clock.Advance(TimeSpan.FromMinutes(31));

        Assert.EndsWith("&away=true", await AskWithAsync(portal, cookie), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plain_user_may_leave_the_mail_open()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = builder => builder.Services.AddSingleton<TimeProvider>(clock) });
        await portal.AddMailboxAsync("anna@portal.test");
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync("anna@portal.test", PortalHost.Password);
        await using var page = new OpenPage(portal, browser);

        clock.Advance(TimeSpan.FromHours(11));

        Assert.Equal(ActorKind.Account, (await page.ActorAsync()).Kind);
        Assert.Equal(0, await portal.ReadAsync(db => db.SessionUses.CountAsync()));
    }

    private static string CookieOf(PortalBrowser browser) => Assert.Single(browser.Cookies, c => c.Name == "portal-session").Value;

    private static async Task<string> AskWithAsync(PortalHost portal, string cookie)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false };
        using var client = new HttpClient(handler) { BaseAddress = portal.Url };
        client.DefaultRequestHeaders.Add("Cookie", $"portal-session={cookie}");
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        using var answer = await client.GetAsync("account");
        return answer.Headers.Location?.ToString() ?? answer.StatusCode.ToString();
    }

    /// <summary>A page as it lives on after its request: with what the cookie said when it was opened.</summary>
    private sealed class OpenPage : IAsyncDisposable
    {
        private readonly AsyncServiceScope scope;
        private readonly TaskCompletionSource signedOut = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public OpenPage(PortalHost portal, PortalBrowser browser)
        {
            scope = portal.Services.CreateAsyncScope();
            var format = portal.Get<IOptionsMonitor<CookieAuthenticationOptions>>().Get(IdentityConstants.ApplicationScheme).TicketDataFormat;
            var state = scope.ServiceProvider.GetRequiredService<AuthenticationStateProvider>();
            ((IHostEnvironmentAuthenticationStateProvider)state).SetAuthenticationState(Task.FromResult(new AuthenticationState(format.Unprotect(CookieOf(browser))!.Principal)));
            state.AuthenticationStateChanged += changed => _ = HearAsync(changed);
            scope.ServiceProvider.GetRequiredService<CurrentActor>().BeginPage("127.0.0.1");
        }

        public Task SignedOut => signedOut.Task;

        public ValueTask<Actor> ActorAsync() => scope.ServiceProvider.GetRequiredService<CurrentActor>().GetAsync();

        public async Task<bool> LooksAwayAsync()
        {
            var session = (CircuitSession)scope.ServiceProvider.GetRequiredService<AuthenticationStateProvider>();
            await CircuitSessionTests.ValidateAsync(session, await session.GetAuthenticationStateAsync(), CancellationToken.None);   // or the page looked by itself already
            return session.WasAway;
        }

        public ValueTask DisposeAsync() => scope.DisposeAsync();

        private async Task HearAsync(Task<AuthenticationState> changed)
        {
            if ((await changed).User.Identity?.IsAuthenticated != true) signedOut.TrySetResult();
        }
    }
}
