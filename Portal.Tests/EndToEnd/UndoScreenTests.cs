using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>What was done is taken back from the corner (PORTAL §5).</summary>
[Collection(BrowserCollection.Name)]
public sealed class UndoScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync();

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task Of_several_mailboxes_only_those_that_were_disabled_now_are_enabled_again()
    {
        await portal.AddMailboxAsync("anna@portal.test");
        var bo = await portal.AddMailboxAsync("bo@portal.test");
        await portal.Get<MailboxService>().DisableAsync(Actor.Operator(), bo.MailboxId, CancellationToken.None);
        await using var ada = await OpenAsync(PortalHost.AdminAddress, "admin/mailboxes");
        foreach (var name in new[] { "anna", "bo" }) await ada.Page.Locator(".grid tbody tr").Filter(new() { HasText = $"{name}@portal.test" }).GetByRole(AriaRole.Checkbox).CheckAsync();
        await ada.Page.Locator(".bulk").GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();

        await UndoAsync(ada);

        Assert.Equal(["bo@portal.test"], await portal.ReadAsync(db => db.Mailboxes.Where(m => m.State == MailboxState.Disabled).Select(m => m.PrimaryAddress).ToListAsync()));
    }

    [Fact]
    public async Task A_folder_has_its_name_back()
    {
        await portal.AddMailboxAsync("anna@portal.test");
        await using var anna = await OpenAsync("anna@portal.test", "mail");
        var folder = anna.Page.Locator(".side-link .folder-name").Filter(new() { HasText = "Travel" });
        await anna.Page.GetByRole(AriaRole.Button, new() { Name = "New folder" }).ClickAsync();
        await NameAsync(anna, "Travel");
        await folder.ClickAsync();
        await anna.Page.GetByRole(AriaRole.Button, new() { Name = "Actions for this folder" }).ClickAsync();
        await anna.Page.Locator(".mud-popover-open").GetByText("Rename folder").ClickAsync();
        await NameAsync(anna, "Journeys");
        await Expect(folder).ToHaveCountAsync(0);

        await UndoAsync(anna);

        await Expect(folder).ToBeVisibleAsync();
        Assert.Empty(anna.Faults);
    }

    private static async Task NameAsync(Person person, string name)
    {
        await person.Page.Locator(".mud-dialog input").FillAsync(name);
        await person.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
    }

    private static async Task UndoAsync(Person person)
    {
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(person.Page.GetByText("Undone.")).ToBeVisibleAsync();
    }

    private async Task<Person> OpenAsync(string name, string path)
    {
        var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync(name, PortalHost.Password);
        await person.OpenAsync(path);
        return person;
    }
}
