using Portal.Core.Permissions;
using Portal.Tests.EndToEnd;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.Web.Admin;

/// <summary>Roles and the bars of the overview on a real screen.</summary>
[Collection(BrowserCollection.Name)]
public sealed class RolesScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("anna@portal.test", null, Role.Helpdesk);
        for (var i = 0; i < 3; i++)
        {
            using var stranger = await SmtpTalk.OpenAsync(portal.SmtpPort);
            Assert.StartsWith("250", await stranger.SendAsync("carl@example.org", ["anna@portal.test"], "Subject: x\r\n\r\ny\r\n"), StringComparison.Ordinal);
        }
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Theory]
    [InlineData("en", true, 1280)]
    [InlineData("zh-Hans", false, 360)]
    public async Task From_a_role_to_who_holds_it_to_the_account(string language, bool dark, int width)
    {
        await using var ada = await OpenAsync("admin/roles", language, dark, width);
        await ada.Page.Locator("a[href='/admin/roles/Administrator']").ClickAsync();
        await Expect(ada.Page.Locator(".fact")).ToHaveCountAsync(12);
        var findings = (await Screenshots.TakeAsync(ada, $"role-{language}", width, 800)).ToList();

        await ada.OpenAsync("admin/roles/Helpdesk");
        await Expect(ada.Page.Locator("tbody tr")).ToHaveCountAsync(1);
        findings.AddRange(await Screenshots.TakeAsync(ada, $"role-holders-{language}", width, 800));
        Assert.Empty(findings);

        await ada.Page.Locator("tbody a.row-link").ClickAsync();
        await Expect(ada.Page.Locator(".drawer")).ToContainTextAsync("anna@portal.test");
    }

    [Theory]
    [InlineData("en", true, 1280)]
    [InlineData("zh-Hans", false, 360)]
    public async Task The_bars_of_a_tile_open_as_a_table(string language, bool dark, int width)
    {
        await using var ada = await OpenAsync("admin", language, dark, width);
        var tile = ada.Page.Locator(".tile").First;
        await tile.Locator("summary").FocusAsync();
        await ada.Page.Keyboard.PressAsync("Enter");

        await Expect(tile.Locator("tbody tr")).ToHaveCountAsync(24);
        await Expect(tile.Locator("tbody tr td.num").First).ToHaveTextAsync("3");
        Assert.Empty(await Screenshots.TakeAsync(ada, $"overview-hours-{language}", width, 800));
    }

    private async Task<Person> OpenAsync(string path, string language, bool dark, int width)
    {
        var person = await browser.NewPersonAsync(portal.Url, language, dark);
        await person.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await person.Page.SetViewportSizeAsync(width, 800);
        await person.OpenAsync(path);
        return person;
    }
}
