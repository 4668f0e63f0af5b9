using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>From a domain to mail that is signed: the records are copied from the page into a zone, and the page sees them there.</summary>
[Collection(BrowserCollection.Name)]
public sealed class DomainKeysScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;
    private Guid domain;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        domain = await portal.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync());
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task Records_are_published_found_and_the_keys_sign()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync($"admin/domains/{domain}");
        await ada.Page.GetByRole(AriaRole.Tab, new() { Name = "DKIM keys" }).ClickAsync();
        await Expect(ada.Page.Locator(".notice")).ToContainTextAsync("Publish these two records");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Check now" }).ClickAsync();
        await Expect(ada.Page.Locator(".chip", new() { HasText = "Missing" })).ToHaveCountAsync(2);

        foreach (var key in (await KeysAsync()).In(DkimKeyState.Waiting))
        {
            await Expect(ada.Page.GetByText(key.Record.Name, new() { Exact = true }).First).ToBeVisibleAsync();   // the second is the line for a zone file, folded
            portal.Dns.Text(key.Record.Name.TrimEnd('.'), [.. key.Record.Strings]);
        }

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Check now" }).ClickAsync();

        await Expect(ada.Page.Locator(".notice")).ToContainTextAsync("Mail of this domain is signed");
        await Expect(ada.Page.Locator(".facts .chip", new() { HasText = "Active" })).ToHaveCountAsync(2);
        Assert.Equal(2, (await portal.Get<DkimKeys>().ForAsync(PortalHost.Domain, CancellationToken.None)).Count);

        await ada.OpenAsync($"admin/domains/{domain}?tab=dns");
        await Expect(ada.Page.Locator(".facts-group", new() { HasText = "_domainkey" }).Locator(".chip", new() { HasText = "As it should be" })).ToHaveCountAsync(2);
        Assert.Empty(ada.Faults);
    }

    [Fact, Trait("Category", "Long")]
    public async Task The_tab_looks_right_everywhere()
    {
        await portal.Get<DkimKeyService>().ActivateAsync(Actor.Operator(), domain, CancellationToken.None);
        await portal.Get<DkimKeyService>().RotateAsync(Actor.Operator(), domain, CancellationToken.None);
        await portal.Get<DkimKeyService>().CancelAsync(Actor.Operator(), domain, CancellationToken.None);
        await portal.Get<DkimKeyService>().RotateAsync(Actor.Operator(), domain, CancellationToken.None);
        var findings = new List<string>();

        foreach (var (language, dark, width) in new[] { ("en", false, 1280), ("en", true, 360), ("zh-Hans", false, 360), ("zh-Hans", true, 1280) })
        {
            await using var ada = await browser.NewPersonAsync(portal.Url, language, dark);
            await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
            await ada.OpenAsync($"admin/domains/{domain}?tab=dkim");
            findings.AddRange(await Screenshots.TakeAsync(ada, $"domain-keys-{language}-{(dark ? "dark" : "light")}", width, 800));
        }

        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    private async Task<DkimKeySet> KeysAsync() => (await portal.Get<DkimKeyService>().ListAsync(Actor.Operator(), domain, CancellationToken.None)).Value;
}
