using Microsoft.Playwright;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>The line between browser and portal is cut, and comes back (PORTAL §5).</summary>
[Collection(BrowserCollection.Name)]
public sealed class LostConnectionTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task It_is_said_and_on_return_the_typed_text_is_there_and_can_be_saved()
    {
        await using var portal = await PortalHost.StartAsync();
        await using var line = new CutLine(portal.WebPort);
        await using var ada = await browser.NewPersonAsync(new Uri($"http://127.0.0.1:{line.Port}/"));
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("account");
        await ada.Page.FillAsync("#display-name", "Ada the Second");

        line.Cut();
        await Expect(ada.Page.GetByText("Connection lost, trying again")).ToBeVisibleAsync();
        line.Mend();
        await Expect(ada.Page.GetByText("Connection lost, trying again")).ToBeHiddenAsync();

        Assert.Equal("Ada the Second", await ada.Page.InputValueAsync("#display-name"));
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(ada.Page.GetByText("Profile saved")).ToBeVisibleAsync();
    }
}
