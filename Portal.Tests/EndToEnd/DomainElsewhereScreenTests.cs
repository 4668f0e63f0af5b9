using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Delivery;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>A domain is shared with an old server, in the browser: the host is named, tried and asked, and names are listed where it can't be.</summary>
[Collection(BrowserCollection.Name)]
public sealed class DomainElsewhereScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private readonly RecordingPeer old = new();
    private PortalHost portal = null!;
    private Guid domain;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        domain = await portal.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await portal.DisposeAsync();
        await old.DisposeAsync();
    }

    [Fact]
    public async Task A_domain_is_shared_its_host_tried_and_its_people_listed()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync($"admin/domains/{domain}");
        await ada.Page.GetByRole(AriaRole.Tab, new() { Name = "Delivery elsewhere" }).ClickAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await ada.Page.GetByLabel("Mailboxes are").SelectOptionAsync("Shared");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(ada.Page.GetByText("Name the host that has the other mailboxes.").First).ToBeVisibleAsync();

        await ada.Page.GetByLabel("Other host").FillAsync("127.0.0.4");
        await ada.Page.GetByLabel("Port").FillAsync(old.Port.ToString(CultureInfo.InvariantCulture));
        await ada.Page.GetByLabel("Encryption").SelectOptionAsync("None");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(ada.Page.GetByText($"127.0.0.4:{old.Port}").First).ToBeVisibleAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Test this host" }).ClickAsync();
        await Expect(ada.Page.Locator(".notice.green")).ToContainTextAsync("the host would take mail");

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await ada.Page.GetByLabel("Recipients are known").SelectOptionAsync("Listed");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await ada.Page.GetByLabel("Names to add").FillAsync($"carol, dave@{PortalHost.Domain}\nno@elsewhere.example");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Add to the list" }).ClickAsync();
        await Expect(ada.Page.GetByText("“no@elsewhere.example” is no name in").First).ToBeVisibleAsync();
        await ada.Page.GetByLabel("Names to add").FillAsync($"carol, dave@{PortalHost.Domain}");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Add to the list" }).ClickAsync();
        await Expect(ada.Page.GetByText($"dave@{PortalHost.Domain}", new() { Exact = true }).First).ToBeVisibleAsync();

        Assert.Equal(RecipientState.GoesOn, await StateOfAsync("carol"));
        Assert.Equal(RecipientState.Unknown, await StateOfAsync("erin"));
        Assert.Empty(ada.Faults);
    }

    [Fact, Trait("Category", "Long")]
    public async Task The_tab_looks_right_everywhere()
    {
        var onward = new Onward { Kind = DomainKind.Shared, Host = "old-mail.internal.portal.test", Port = 2525, Tls = RouteTls.Required, Check = RecipientCheck.Listed };
        Assert.True((await portal.Get<OnwardService>().SetAsync(Actor.Operator(), domain, await portal.ReadAsync(db => db.Domains.Select(d => d.Version).SingleAsync()), onward, CancellationToken.None)).IsDone);
        await portal.Get<OnwardRecipientService>().AddAsync(Actor.Operator(), domain, [.. Enumerable.Range(0, 60).Select(i => $"person.{i}")], CancellationToken.None);
        var findings = new List<string>();

        foreach (var (language, dark, width) in new[] { ("en", false, 1280), ("en", true, 360), ("zh-Hans", false, 360), ("zh-Hans", true, 1280) })
        {
            await using var ada = await browser.NewPersonAsync(portal.Url, language, dark);
            await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
            var name = $"{language}-{(dark ? "dark" : "light")}";
            await ada.OpenAsync($"admin/domains/{domain}?tab=elsewhere");
            findings.AddRange(await Screenshots.TakeAsync(ada, $"domain-elsewhere-{name}", width, 800));
            await ada.Page.Locator("[data-edit]").ClickAsync();
            findings.AddRange(await Screenshots.TakeAsync(ada, $"domain-elsewhere-edit-{name}", width, 800));
        }

        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    private async Task<RecipientState> StateOfAsync(string name) =>
        (await portal.Get<RecipientDirectory>().ResolveAsync(MailAddress.Parse($"{name}@{PortalHost.Domain}"), 0, CancellationToken.None)).State;
}
