using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Microsoft.Playwright;
using Portal.Tests.Fixtures;

namespace Portal.Tests.EndToEnd;

/// <summary>An administration left open in an empty room closes itself; a hand at it keeps it open (ADR 4).</summary>
[Collection(BrowserCollection.Name)]
public sealed class AwayScreenTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task Keys_keep_the_page_open_and_without_them_the_sign_in_says_why_and_leads_back()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = builder => builder.Services.AddSingleton<TimeProvider>(clock) });
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("admin/domains");

        clock.Advance(TimeSpan.FromMinutes(20));
        await ada.Page.RunAndWaitForResponseAsync(() => ada.Page.Keyboard.PressAsync("j"), answer => answer.Url.EndsWith("/here", StringComparison.Ordinal) && answer.Status == 204);
        Assert.Equal(clock.GetUtcNow(), await portal.ReadAsync(db => db.SessionUses.Select(u => u.SeenAt).SingleAsync()), TimeSpan.FromSeconds(1));

        clock.Advance(TimeSpan.FromMinutes(31));   // nobody's hand: what the page reads by itself does not count
        await Assertions.Expect(ada.Page.GetByText("There was no input for 30 min, so you are signed out.")).ToBeVisibleAsync();
        await ada.Page.FillAsync("#name", PortalHost.AdminAddress);
        await ada.Page.FillAsync("#password", PortalHost.Password);
        await ada.Page.ClickAsync("button[type=submit]");
        await ada.Page.WaitForURLAsync("**/admin/domains");
        Assert.Empty(ada.Faults);
    }
}
