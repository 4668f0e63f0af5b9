using Portal.Core.Alerts;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web;

public sealed class BannersTests
{
    [Fact]
    public async Task A_notice_is_shown_to_who_holds_what_it_needs_and_the_next_one_to_the_others()
    {
        await using var portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("ben@portal.test");
        var notices = portal.Get<SystemNotices>();
        notices.Raise(new SystemNotice("MailSetAside", NoticeSeverity.Warning) { Needs = Capability.ViewLogs });
        notices.Raise("DemoData", NoticeSeverity.Information);

        var (admin, ben) = (await SeenByAsync(portal, PortalHost.AdminAddress), await SeenByAsync(portal, "ben@portal.test"));

        Assert.Contains("could not be stored, three times", admin, StringComparison.Ordinal);
        Assert.DoesNotContain("could not be stored", ben, StringComparison.Ordinal);
        Assert.Contains("demo data", ben, StringComparison.Ordinal);
    }

    private static async Task<string> SeenByAsync(PortalHost portal, string name)
    {
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(name, PortalHost.Password);
        return (await browser.GetAsync("/account")).Text;
    }
}
