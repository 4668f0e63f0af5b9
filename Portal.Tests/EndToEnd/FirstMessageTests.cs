using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Portal.Tests.Fixtures;
using Portal.Tests.Integration;
using Portal.Tests.Smtp.Delivery;

namespace Portal.Tests.EndToEnd;

/// <summary>
/// The whole path on an empty folder, started by the README's command: the set-up link, a domain and a mailbox made in the browser, a
/// letter by swaks, read, answered to the MX that DNS names, and every step in the trace.
/// </summary>
[Collection(BrowserCollection.Name)]
public sealed partial class FirstMessageTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private const string Password = "correct horse battery";
    private const string Anna = "anna@sales.test";
    private const string Customer = "boss@customer.test";

    private readonly RecordingPeer customerServer = new();
    private readonly TestDns dns = new();
    private Dictionary<string, string?> settings = [];
    private PortalProcess server = null!;
    private Uri portal = null!;

    public async ValueTask InitializeAsync()
    {
        dns.MailTo("customer.test");
        settings = PortalHost.FreshSettings(TestFolder.Create(), dns.Setting);
        settings["Portal:Delivery:Port"] = $"{customerServer.Port}";
        server = await PortalProcess.StartServerAsync(settings, ["run", "--no-build", "--project", "Portal.Web"], Repository.Root);
        portal = new Uri($"http://localhost:{settings["Portal:Web:Port"]}/");
    }

    public async ValueTask DisposeAsync()
    {
        await server.StopAsync();
        await server.DisposeAsync();
        await customerServer.DisposeAsync();
        dns.Dispose();
    }

    [Fact]
    public async Task A_mailbox_is_made_mail_arrives_is_read_is_answered_and_traced()
    {
        await using var ada = await browser.NewPersonAsync(portal);
        await SetUpAsync(ada);
        await AddDomainAsync(ada, "sales.test");
        var password = await AddMailboxAsync(ada, "anna", "sales.test");

        await RealClientTests.RunAsync("swaks", "--server", "127.0.0.1", "--port", settings["Portal:Smtp:Port"]!, "--from", Customer, "--to", Anna, "--h-Subject", "Lunch", "--body", "Today at twelve?");

        await using var anna = await browser.NewPersonAsync(portal);
        await anna.SignInAsync(Anna, password);
        await AnswerAsync(anna, "Lunch", "Yes, gladly.");
        await ada.OpenAsync($"admin/trace?q={Customer}");
        var rows = ada.Page.Locator("table.grid tbody tr");
        await Assertions.Expect(rows.Filter(new() { HasText = "Relayed" })).ToHaveCountAsync(1);
        await Assertions.Expect(rows.Filter(new() { HasText = "Delivered" })).ToHaveCountAsync(1);
        await rows.Filter(new() { HasText = "Relayed" }).Locator("a").First.ClickAsync();
        await Assertions.Expect(ada.Page.GetByText("250 2.0.0 Queued").First).ToBeVisibleAsync();

        Assert.Contains("customer.test MX", dns.Asked);
        var answer = Assert.Single(customerServer.Mails);
        Assert.StartsWith($"MAIL FROM:<{Anna}>", answer.Mail, StringComparison.Ordinal);
        Assert.StartsWith($"RCPT TO:<{Customer}>", Assert.Single(answer.Recipients), StringComparison.Ordinal);
        Assert.Contains("Subject: Re: Lunch", answer.Text, StringComparison.Ordinal);
        Assert.Contains("Yes, gladly.", answer.Text, StringComparison.Ordinal);
        Assert.Empty(ada.Faults);
        Assert.Empty(anna.Faults);
    }

    private async Task SetUpAsync(Person ada)
    {
        var page = ada.Page;
        await page.GotoAsync(SetupLink().Match(server.Output).Value);
        await page.FillAsync("#Organisation", "Example Ltd");
        await page.GetByRole(AriaRole.Button, new() { Name = "Next" }).ClickAsync();
        await page.FillAsync("#Domain", "example.test");
        await page.GetByRole(AriaRole.Button, new() { Name = "Next" }).ClickAsync();
        await page.FillAsync("#AdministratorName", "Ada Admin");
        await page.FillAsync("#new-password", Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Set up and sign in" }).ClickAsync();
        await Assertions.Expect(page.GetByText("Next steps")).ToBeVisibleAsync();
    }

    private static async Task AddDomainAsync(Person ada, string name)
    {
        await ada.OpenAsync("admin/domains?new=true");
        var form = ada.Page.Locator("#domain-form");
        await form.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await ada.Page.Locator("button[form=domain-form]").ClickAsync();
        await ada.Page.WaitForURLAsync(new Regex("/admin/domains/.+tab=dns"));
    }

    /// <summary>Makes a mailbox with a password shown once; the password.</summary>
    private static async Task<string> AddMailboxAsync(Person ada, string localPart, string domain)
    {
        await ada.OpenAsync("admin/mailboxes?new=true");
        var page = ada.Page;
        var form = page.Locator("#mailbox-form");
        await form.GetByLabel("Name", new() { Exact = true }).FillAsync("Anna Berg");
        await form.GetByLabel("Address before the @").FillAsync(localPart);
        await form.Locator("select").First.SelectOptionAsync(new SelectOptionValue { Label = domain });
        await form.GetByLabel("A password made here").CheckAsync();
        await page.Locator("button[form=mailbox-form]").ClickAsync();
        await page.Locator(".secret").GetByRole(AriaRole.Button, new() { Name = "Show", Exact = true }).ClickAsync();
        var shown = page.Locator(".secret-text");
        await Assertions.Expect(shown).Not.ToContainTextAsync("•");
        return await shown.InnerTextAsync();
    }

    private static async Task AnswerAsync(Person anna, string subject, string text)
    {
        var page = anna.Page;
        await anna.OpenAsync("mail");
        await page.Locator(".mail[data-keys=on]").WaitForAsync();
        await page.Locator(".mail-row").Filter(new() { HasText = subject }).Locator(".mail-link").ClickAsync();
        await Assertions.Expect(page.FrameLocator("iframe.reading-body").GetByText("Today at twelve?")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("r");
        var letter = page.GetByLabel("Text", new() { Exact = true });
        await Assertions.Expect(letter).ToHaveValueAsync(new Regex("> Today at twelve\\?"));
        await Assertions.Expect(letter).ToBeFocusedAsync();
        await letter.PressSequentiallyAsync(text + "\n");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByText("The message is on its way.")).ToBeVisibleAsync();
    }

    [GeneratedRegex("http://\\S+/setup/[0-9a-f]+")]
    private static partial Regex SetupLink();
}
