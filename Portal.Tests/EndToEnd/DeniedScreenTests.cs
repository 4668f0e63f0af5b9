using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>Not allowed means not there (PORTAL §1), also once the page is alive.</summary>
[Collection(BrowserCollection.Name)]
public sealed class DeniedScreenTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task Who_lacks_the_capability_finds_neither_the_page_nor_its_buttons()
    {
        await using var portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("helen@portal.test", null, Role.Helpdesk);
        await using var helen = await browser.NewPersonAsync(portal.Url);
        await helen.SignInAsync("helen@portal.test", PortalHost.Password);

        foreach (var page in new[] { "admin/routes", "admin/certificates", "admin/lists", "admin/quarantine", "admin/roles", "admin/logs" })
        {
            await helen.OpenAsync(page);

            await Expect(helen.Page.Locator("h1")).ToHaveCountAsync(1);
            await Expect(helen.Page.Locator("main .filter-bar, main .grid, main [data-new]")).ToHaveCountAsync(0);
        }

        await helen.OpenAsync("helpdesk");
        await Expect(helen.Page.GetByLabel("Name or address")).ToBeVisibleAsync();
    }
}
