using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Web.Components;

namespace Portal.Tests.Web;

/// <summary>An instant is shown in the person's own time zone: the account's, else the browser's, else UTC.</summary>
public partial class TimeZoneTests
{
    [Fact]
    public async Task The_zone_of_the_account_goes_before_that_of_the_browser()
    {
        await using var portal = await PortalHost.StartAsync();
        var account = await portal.ReadAsync(db => db.Accounts.Where(a => a.UserName == PortalHost.AdminAddress).Select(a => a.Id).SingleAsync());
        var ada = Actor.ForAccount(account, PortalHost.AdminAddress, [new HeldRole(Role.Administrator, Scope.Everything)], Channel.Portal, null);
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        await ExpectAsync(browser, "UTC");
        browser.SetCookie(Display.ZoneCookie, "Asia/Shanghai");
        await ExpectAsync(browser, "Asia/Shanghai");
        await ChangeAsync("America/New_York");
        await ExpectAsync(browser, "America/New_York");
        await ChangeAsync(null);
        await ExpectAsync(browser, "Asia/Shanghai");
        browser.SetCookie(Display.ZoneCookie, "Nowhere/At all");
        await ExpectAsync(browser, "UTC");

        async Task ChangeAsync(string? zone) =>
            Assert.True((await portal.Get<AccountService>().ChangeProfileAsync(ada, new ProfileChange("Ada", null, zone, ColourScheme.System), CancellationToken.None)).IsDone);
    }

    [Theory]
    [InlineData("Asia/Shanghai", "Asia/Shanghai")]
    [InlineData("Nowhere/At all", "UTC")]
    [InlineData("", "UTC")]
    [InlineData(null, "UTC")]
    public void An_unknown_zone_is_UTC(string? id, string zone) => Assert.Equal(zone, Display.ZoneOrUtc(id).Id);

    /// <summary>Every time on the page is that of its instant in the zone, and its tooltip names the zone and UTC.</summary>
    private static async Task ExpectAsync(PortalBrowser browser, string zone)
    {
        var times = Time().Matches((await browser.GetAsync("admin/about")).Text);

        Assert.NotEmpty(times);
        foreach (Match time in times)
        {
            var at = DateTimeOffset.Parse(time.Groups["at"].Value, CultureInfo.InvariantCulture);
            var local = TimeZoneInfo.ConvertTime(at, TimeZoneInfo.FindSystemTimeZoneById(zone));
            Assert.Equal(local.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture), time.Groups["text"].Value);
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{local:yyyy-MM-dd HH:mm:ss} ({zone}) · {at:yyyy-MM-dd HH:mm:ss} UTC"), time.Groups["title"].Value);
        }
    }

    [GeneratedRegex("""<time datetime="(?<at>[^"]+)" title="(?<title>[^"]+)"[^>]*>(?<text>[^<]+)</time>""")]
    private static partial Regex Time();
}
