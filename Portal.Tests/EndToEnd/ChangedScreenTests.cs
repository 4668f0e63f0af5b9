using Microsoft.EntityFrameworkCore;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>The questions before something is overwritten or done for good, as people see them.</summary>
[Collection(BrowserCollection.Name), Trait("Category", "Long")]
public sealed class ChangedScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;
    private CreatedMailbox anna = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        anna = await portal.AddMailboxAsync("anna@portal.test", 1L << 30);
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task Both_versions_and_the_reason_look_right_everywhere() =>
        await new Screenshots(browser) { Prepare = PrepareAsync }.TakeAsync(portal.Url, PortalHost.AdminAddress, PortalHost.Password,
            ("changed-quota", $"admin/mailboxes/{anna.MailboxId}?tab=quota"), ("disable-reason", $"admin/mailboxes/{anna.MailboxId}"));

    private async Task PrepareAsync(Person ada, string page)
    {
        if (page == "disable-reason")
        {
            await ada.Page.Locator(".page-action button").Nth(1).ClickAsync();
            await Expect(ada.Page.Locator(".mud-dialog datalist")).ToHaveCountAsync(1);
            return;
        }

        await ada.Page.Locator("[data-edit]").ClickAsync();
        var version = await portal.ReadAsync(db => db.Mailboxes.Where(m => m.Id == anna.MailboxId).Select(m => m.Version).SingleAsync());
        await portal.Get<MailboxService>().SetQuotaAsync(Actor.Operator(), anna.MailboxId, version, (version + 2L) << 30, CancellationToken.None);
        await ada.Page.Locator("form.form input").First.FillAsync("500 MB");
        await ada.Page.Locator("form.form button[type=submit]").ClickAsync();
        await Expect(ada.Page.Locator(".mud-dialog table.compare")).ToHaveCountAsync(1);
    }
}
