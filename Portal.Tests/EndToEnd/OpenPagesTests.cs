using System.Net;
using Microsoft.Playwright;
using Portal.Tests.Fixtures;
using Portal.Tests.Web;
using Portal.Web.Security;

namespace Portal.Tests.EndToEnd;

/// <summary>Pages are counted from their opening to their end, and one too many is refused.</summary>
[Collection(BrowserCollection.Name)]
public sealed class OpenPagesTests(Browser browser) : IClassFixture<Browser>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_page_takes_its_room_and_gives_it_back()
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = { ["Portal:Web:MaxPagesPerAccount"] = "2" } });
        var anna = (await portal.AddMailboxAsync("anna@portal.test")).AccountId.ToString();
        var pages = portal.Get<OpenPages>();
        await using (var person = await browser.NewPersonAsync(portal.Url))
        {
            await person.SignInAsync("anna@portal.test", PortalHost.Password);
            await person.OpenAsync("mail");
            await EventuallyAsync(pages, anna, 1);
            using var other = await SignInAsync(portal);
            Assert.Equal(HttpStatusCode.OK, await NegotiateAsync(other));

            Assert.True(pages.TryOpen(anna));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await NegotiateAsync(other));
            Assert.False(pages.TryOpen(anna));
            pages.Close(anna);

            await person.Page.GetByRole(AriaRole.Link, new() { Name = "Sent" }).ClickAsync();   // the page that is open goes on
            await Assertions.Expect(person.Page.GetByRole(AriaRole.Heading, new() { Name = "Sent", Level = 1 })).ToBeVisibleAsync();
        }

        await EventuallyAsync(pages, anna, 0);
    }

    [Fact]
    public async Task Visitors_share_a_quarter()
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = { ["Portal:Web:MaxPages"] = "4" } });
        using var visitor = new PortalBrowser(portal);
        Assert.Equal(HttpStatusCode.OK, await NegotiateAsync(visitor));

        Assert.True(portal.Get<OpenPages>().TryOpen(""));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await NegotiateAsync(visitor));
        using var known = await SignInAsync(portal, PortalHost.AdminAddress);
        Assert.Equal(HttpStatusCode.OK, await NegotiateAsync(known));
    }

    private static async Task<PortalBrowser> SignInAsync(PortalHost portal, string name = "anna@portal.test")
    {
        var other = new PortalBrowser(portal);
        await other.SignInAsync(name, PortalHost.Password);
        return other;
    }

    private static async Task<HttpStatusCode> NegotiateAsync(PortalBrowser browser)
    {
        using var answer = await browser.Http.PostAsync("_blazor/negotiate?negotiateVersion=1", null, Cancel);
        return answer.StatusCode;
    }

    private static async Task EventuallyAsync(OpenPages pages, string account, int count)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (pages.Of(account) != count) await pace.WaitForNextTickAsync(Cancel);
    }
}
