using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.EndToEnd;

/// <summary>What a person relies on everywhere: sessions that end, their own time, keys.</summary>
[Collection(BrowserCollection.Name)]
public sealed class PersonScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync();

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task Sign_out_everywhere_closes_the_open_page_of_another_browser()
    {
        await portal.AddMailboxAsync("anna@portal.test");
        await using var here = await OpenAsync("anna@portal.test", "account/security");
        await using var there = await OpenAsync("anna@portal.test", "account");
        await using var ada = await OpenAsync(PortalHost.AdminAddress, "account");

        await here.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out everywhere" }).ClickAsync();
        await here.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Sign out everywhere" }).ClickAsync();

        foreach (var window in new[] { here, there }) await Assertions.Expect(window.Page).ToHaveURLAsync(new Regex("/sign-in"));   // however many hands lead there at once
        await ada.OpenAsync("account");
        Assert.Contains("/account", ada.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signed_out_by_an_administrator_a_person_s_open_page_closes()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await using var hers = await OpenAsync("anna@portal.test", "account");
        await using var ada = await OpenAsync(PortalHost.AdminAddress, $"admin/mailboxes/{anna.MailboxId}?tab=sign-in");

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out everywhere" }).ClickAsync();
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Sign out everywhere" }).ClickAsync();

        await Assertions.Expect(hers.Page).ToHaveURLAsync(new Regex("/sign-in"));
        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task Times_are_those_of_the_browser_until_the_profile_names_a_zone()
    {
        await using var ada = await OpenAsync(PortalHost.AdminAddress, "admin/about");
        await Assertions.Expect(ada.Page.Locator("time").First).ToHaveAttributeAsync("title", new Regex(@"\(Europe/Berlin\)"));

        var account = await portal.ReadAsync(db => db.Accounts.Where(a => a.UserName == PortalHost.AdminAddress).Select(a => a.Id).SingleAsync());
        var actor = Actor.ForAccount(account, PortalHost.AdminAddress, [new HeldRole(Role.Administrator, Scope.Everything)], Channel.Portal, null);
        Assert.True((await portal.Get<AccountService>().ChangeProfileAsync(actor, new ProfileChange("Ada", null, "Asia/Shanghai", ColourScheme.System), CancellationToken.None)).IsDone);
        await ada.OpenAsync("admin/about");
        await Assertions.Expect(ada.Page.Locator("time").First).ToHaveAttributeAsync("title", new Regex(@"\(Asia/Shanghai\)"));
    }

    [Fact]
    public async Task In_a_list_J_steps_Space_selects_F_searches_and_on_a_page_E_edits()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await using var ada = await OpenAsync(PortalHost.AdminAddress, "admin/mailboxes");
        var (page, keyboard) = (ada.Page, ada.Page.Keyboard);
        var row = page.Locator(".grid tbody tr").First;

        await keyboard.PressAsync("j");
        await Assertions.Expect(row.Locator(".row-link")).ToBeFocusedAsync();
        await keyboard.PressAsync("Space");
        await Assertions.Expect(row.GetByRole(AriaRole.Checkbox)).ToBeCheckedAsync();
        await Assertions.Expect(page.GetByText("1 selected")).ToBeVisibleAsync();
        await row.Locator(".row-link").FocusAsync();
        await keyboard.PressAsync("Space");
        await Assertions.Expect(row.GetByRole(AriaRole.Checkbox)).Not.ToBeCheckedAsync();

        await keyboard.PressAsync("f");
        await Assertions.Expect(page.Locator("input[data-filter]")).ToBeFocusedAsync();
        await keyboard.TypeAsync("jefe anna");   // in a field every letter is a letter
        await Assertions.Expect(page.Locator("input[data-filter]")).ToHaveValueAsync("jefe anna");

        await ada.OpenAsync($"admin/mailboxes/{anna.MailboxId}");
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveCountAsync(0);
        await keyboard.PressAsync("e");
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToBeVisibleAsync();
        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task E_opens_the_focused_row_of_a_list_to_be_edited()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        var route = await portal.Get<RouteService>().CreateAsync(Actor.Operator(), new() { Name = "out", Host = "smart.example" }, CancellationToken.None);
        await portal.Get<RouteService>().CreateAsync(Actor.Operator(), new() { Name = "to them", Match = RouteMatch.RecipientDomain, Pattern = "example.org", Host = "other.example" }, CancellationToken.None);
        await using var ada = await OpenAsync(PortalHost.AdminAddress, "admin/mailboxes?q=anna");
        var (page, keyboard) = (ada.Page, ada.Page.Keyboard);

        await page.Locator(".grid .row-link").FocusAsync();
        await keyboard.PressAsync("e");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex($"{anna.MailboxId}\\?edit=true"));
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToBeFocusedAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex($"{anna.MailboxId}$"));

        await ada.OpenAsync("admin/routes");
        await page.Locator(".grid .row-link").Filter(new() { HasText = "to them" }).FocusAsync();
        await keyboard.PressAsync("e");
        await Assertions.Expect(page.Locator(".drawer h2")).ToHaveTextAsync("to them");
        await page.Locator(".drawer").PressAsync("Alt+ArrowDown");   // the row below
        await Assertions.Expect(page.Locator(".drawer h2")).ToHaveTextAsync("out");
        Assert.Contains(route.Value.ToString(), page.Url, StringComparison.Ordinal);
        Assert.Empty(ada.Faults);
    }

    private async Task<Person> OpenAsync(string name, string path)
    {
        var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync(name, PortalHost.Password);
        await person.OpenAsync(path);
        return person;
    }
}
