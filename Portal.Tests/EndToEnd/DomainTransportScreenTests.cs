using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Domains;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>From a policy for TLS to its records: what the page shows is copied into a zone, and the page sees it there.</summary>
[Collection(BrowserCollection.Name)]
public sealed class DomainTransportScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
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
    public async Task A_policy_is_enforced_its_record_published_and_counted()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync($"admin/domains/{domain}");
        await ada.Page.GetByRole(AriaRole.Tab, new() { Name = "Transport" }).ClickAsync();
        await Expect(ada.Page.Locator("pre")).ToContainTextAsync("mode: testing");

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await ada.Page.GetByLabel("TLS to our mail host").SelectOptionAsync("Enforce");
        await ada.Page.GetByLabel("Days for which senders keep the policy").FillAsync("14");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(ada.Page.Locator("pre")).ToContainTextAsync("max_age: 1209600");

        await ada.Page.GetByRole(AriaRole.Tab, new() { Name = "DNS records" }).ClickAsync();
        await Expect(ada.Page.Locator(".notice", new() { HasText = "0 of 8 records" })).ToBeVisibleAsync();
        var policy = new MtaStsPolicy(MtaStsMode.Enforce, 14, "mx.portal.test");
        await Expect(ada.Page.GetByText(policy.Record)).ToBeVisibleAsync();
        portal.Dns.Text($"_mta-sts.{PortalHost.Domain}", policy.Record).Host("mx.portal.test").Host($"mta-sts.{PortalHost.Domain}").Text($"_dmarc.{PortalHost.Domain}", "v=DMARC1; p=none");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Ask DNS again" }).ClickAsync();

        await Expect(ada.Page.Locator(".notice", new() { HasText = "2 of 8 records" })).ToBeVisibleAsync();
        await Expect(ada.Page.Locator(".facts-group", new() { HasText = "_dmarc" })).ToContainTextAsync("p=none asks for nothing.");
        Assert.Empty(ada.Faults);
    }

    [Fact, Trait("Category", "Long")]
    public async Task The_tabs_look_right_everywhere()
    {
        portal.Dns.Mx(PortalHost.Domain, "backup.example.net").Text($"_dmarc.{PortalHost.Domain}", "v=DMARC1; p=reject").Text($"_mta-sts.{PortalHost.Domain}", "v=STSv1; id=1");
        var findings = new List<string>();

        foreach (var (language, dark, width) in new[] { ("en", false, 1280), ("en", true, 360), ("zh-Hans", false, 360), ("zh-Hans", true, 1280) })
        {
            await using var ada = await browser.NewPersonAsync(portal.Url, language, dark);
            await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
            foreach (var tab in new[] { "transport", "dns" })
            {
                await ada.OpenAsync($"admin/domains/{domain}?tab={tab}");
                findings.AddRange(await Screenshots.TakeAsync(ada, $"domain-{tab}-{language}-{(dark ? "dark" : "light")}", width, 800));
            }
        }

        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }
}
