using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Logs;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Tests.Web.Mail;

namespace Portal.Tests.EndToEnd;

/// <summary>A page that stops working says what happened, under which reference, and goes on (PORTAL §5).</summary>
[Collection(BrowserCollection.Name)]
public sealed class ErrorFaceScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private readonly LosableDatabase database = new();
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = database.Configure });

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task A_page_that_fails_shows_the_reference_that_the_log_has_and_Try_again_brings_it_back()
    {
        await using var ada = await OpenAsync(PortalHost.AdminAddress, "admin/domains");
        await Assertions.Expect(ada.Page.GetByRole(AriaRole.Link, new() { Name = "portal.test" })).ToBeVisibleAsync();

        database.IsLost = true;
        await ada.Page.GetByRole(AriaRole.Link, new() { Name = "Overview" }).ClickAsync();   // an open page outlives an outage, a new one has nothing to show
        await Assertions.Expect(ada.Page.GetByRole(AriaRole.Heading, new() { Name = "This page stopped working" })).ToBeVisibleAsync();
        await Assertions.Expect(ada.Page.Locator(".tile")).ToHaveCountAsync(0);
        var reference = (await ada.Page.Locator(".reference .copy-text bdi").InnerTextAsync()).Trim();
        Assert.Matches("^[0-9a-f]{12}$", reference);
        await ExpectLoggedAsync(reference);

        await TryAgainAsync(ada.Page);   // still away: the face stays, under a reference of its own
        await Assertions.Expect(ada.Page.Locator(".reference .copy-text bdi")).Not.ToHaveTextAsync(reference);
        await Assertions.Expect(ada.Page.GetByRole(AriaRole.Heading, new() { Name = "This page stopped working" })).ToBeVisibleAsync();

        database.IsLost = false;
        await TryAgainAsync(ada.Page);
        await Assertions.Expect(ada.Page.Locator(".tile").First).ToBeVisibleAsync();
        await Assertions.Expect(ada.Page.GetByText("This page stopped working")).ToHaveCountAsync(0);
        await ExpectOfAccountAsync(reference);
    }

    [Fact]
    public async Task A_letter_that_is_being_written_is_there_again_after_a_fault_of_the_page()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await portal.DeliverAsync(anna.MailboxId, "From: Carl <carl@example.org>\nSubject: Earlier\n\nText\n");
        await using var window = await OpenAsync("anna@portal.test", "mail");
        var page = window.Page;
        await page.Locator(".mail[data-keys=on]").WaitForAsync();
        await page.Keyboard.PressAsync("c");
        await page.GetByLabel("Subject").FillAsync("Half done");
        await page.GetByLabel("Text", new() { Exact = true }).FillAsync("Every word of it");
        await Assertions.Expect(page.GetByText("Saved in Drafts")).ToBeVisibleAsync();
        await page.WaitForURLAsync("**compose=draft-*");

        database.IsLost = true;
        await page.Locator(".mail-flag").First.ClickAsync();   // another act of the page meets the fault
        await Assertions.Expect(page.GetByText("This page stopped working")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("What was saved before is safe.")).ToBeVisibleAsync();
        database.IsLost = false;
        await TryAgainAsync(page);

        await Assertions.Expect(page.GetByLabel("Subject")).ToHaveValueAsync("Half done");
        await Assertions.Expect(page.GetByLabel("Text", new() { Exact = true })).ToHaveValueAsync(new Regex("^Every word of it"));
    }

    private static Task TryAgainAsync(IPage page) => page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();

    /// <summary>The line leads to who met the fault.</summary>
    private async Task ExpectOfAccountAsync(string reference)
    {
        var account = await portal.ReadAsync(db => db.Accounts.Select(a => a.Id).SingleAsync());
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 200; i++)
        {
            var query = new LogQuery { Text = reference, Property = LogText.AccountId, PropertyValue = account.ToString() };
            if ((await portal.Get<LogService>().SearchAsync(Actor.Operator(), query, CancellationToken.None)).Value.Entries.Count > 0) return;
            await pace.WaitForNextTickAsync();
        }

        Assert.Fail($"The line with {reference} names no account");
    }

    private async Task ExpectLoggedAsync(string reference)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 200; i++)
        {
            foreach (var file in Directory.GetFiles(Path.Combine(portal.DataFolder, "logs")))
            {
                using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
                if ((await reader.ReadToEndAsync()).Contains($"A page failed; reference {reference}", StringComparison.Ordinal)) return;
            }

            await pace.WaitForNextTickAsync();
        }

        Assert.Fail($"No line of the log has {reference}");
    }

    private async Task<Person> OpenAsync(string name, string path)
    {
        var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync(name, PortalHost.Password);
        await person.OpenAsync(path);
        return person;
    }
}
