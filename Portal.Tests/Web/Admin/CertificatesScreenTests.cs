using Microsoft.Playwright;
using Portal.Core.Permissions;
using Portal.Tests.EndToEnd;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.Web.Admin;

/// <summary>An administrator sees what is shown to whom, how long it lasts, and why a file can't be used.</summary>
[Collection(BrowserCollection.Name)]
public sealed class CertificatesScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private readonly TestAuthority authority = new();
    private PortalHost portal = null!;

    private string Folder => Path.Combine(portal.DataFolder, "certificates");

    public async ValueTask InitializeAsync()
    {
        var data = TestFolder.Create();
        var folder = Directory.CreateDirectory(Path.Combine(data, "certificates")).FullName;
        authority.Issue(["mail.example.org", "imap.example.org", "smtp.example.org", "autodiscover.example.org", "*.mail.example.org"], 80, isRsa: true).WritePair(folder, "mail");
        authority.Issue("soon.example.org", 10.5).WritePair(folder, "soon");
        authority.Issue("old.example.org", -3).WritePair(folder, "old");
        await File.WriteAllTextAsync(Path.Combine(folder, "broken.pem"), authority.Issue("broken.example.org").Chain);
        portal = await PortalHost.StartAsync(new PortalHostWishes { DataFolder = data });
    }

    public async ValueTask DisposeAsync()
    {
        await portal.DisposeAsync();
        authority.Dispose();
    }

    [Fact]
    public async Task From_the_list_to_one_of_them_and_a_new_look_at_the_files()
    {
        await using var ada = await OpenAsync(PortalHost.AdminAddress, "en", false);
        await Expect(ada.Page.Locator(".banner")).ToContainTextAsync("The certificate for old.example.org has expired");
        var rows = ada.Page.Locator("tbody tr");
        await Expect(rows).ToHaveCountAsync(5);
        await Expect(rows.Filter(new() { HasText = "soon.example.org" })).ToContainTextAsync("10");
        await Expect(rows.Filter(new() { HasText = "soon.example.org" })).ToContainTextAsync("Expiring");
        await Expect(rows.Filter(new() { HasText = "old.example.org" })).ToContainTextAsync("Expired");
        await Expect(rows.Filter(new() { HasText = "broken.pem" })).ToContainTextAsync("holds no private key");
        await Expect(rows.Filter(new() { HasText = "Self-signed" })).ToContainTextAsync("mx.portal.test");

        await rows.Filter(new() { HasText = "mail.example.org" }).First.GetByRole(AriaRole.Button).First.ClickAsync();
        var drawer = ada.Page.GetByRole(AriaRole.Dialog);
        foreach (var text in new[] { "autodiscover.example.org", "*.mail.example.org", "Test Intermediate", "RSA, 2048 bits", "mail.pem", "mail.key" }) await Expect(drawer).ToContainTextAsync(text);
        await ada.Page.Keyboard.PressAsync("Escape");

        authority.Issue("old.example.org", 70).WritePair(Folder, "old");
        File.Delete(Path.Combine(Folder, "broken.pem"));
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Look again" }).ClickAsync();
        await Expect(ada.Page.Locator(".mud-snackbar")).ToContainTextAsync("All files were read again.");
        await Expect(rows.Filter(new() { HasText = "old.example.org" })).ToContainTextAsync("Healthy");
        await Expect(ada.Page.Locator(".banner")).ToContainTextAsync("The certificate for soon.example.org ends soon, days left: 10");
        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task Who_may_not_manage_the_settings_finds_neither_page_nor_banner()
    {
        await portal.AddMailboxAsync("helen@portal.test", null, Role.Helpdesk);
        await using var helen = await OpenAsync("helen@portal.test", "en", false);

        await Expect(helen.Page.Locator("h1")).ToHaveCountAsync(1);
        await Expect(helen.Page.Locator("main .grid, .banner")).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("en", false, 1280, 800)]
    [InlineData("zh-Hans", true, 360, 740)]
    public async Task List_and_drawer_look_right(string language, bool dark, int width, int height)
    {
        await using var ada = await OpenAsync(PortalHost.AdminAddress, language, dark);
        await ada.Page.SetViewportSizeAsync(width, height);
        await Expect(ada.Page.Locator("tbody tr").First).ToBeVisibleAsync();
        var findings = new List<string>(await Screenshots.TakeAsync(ada, $"certificates-{language}", width, height));
        foreach (var (name, text) in new[] { ("one", "mail.example.org"), ("broken", "broken.pem"), ("self-signed", "mx.portal.test") })
        {
            await ada.OpenAsync("admin/certificates");
            await ada.Page.Locator("tbody tr").Filter(new() { HasText = text }).First.GetByRole(AriaRole.Button).First.ClickAsync();
            await Expect(ada.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync(text);
            findings.AddRange(await Screenshots.TakeAsync(ada, $"certificate-{name}-{language}", width, height));
        }

        Assert.True(findings.Count == 0, string.Join('\n', findings));
        Assert.Empty(ada.Faults);
    }

    private async Task<Person> OpenAsync(string address, string language, bool dark)
    {
        var person = await browser.NewPersonAsync(portal.Url, language, dark);
        await person.SignInAsync(address, PortalHost.Password);
        await person.OpenAsync("admin/certificates");
        return person;
    }
}
