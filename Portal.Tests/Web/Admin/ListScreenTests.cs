using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Tests.EndToEnd;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.Web.Admin;

/// <summary>What every list can do: be kept as a view, show fewer columns, be taken along, be filtered with a thumb.</summary>
[Collection(BrowserCollection.Name)]
public sealed class ListScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("anna@portal.test");
        await portal.AddMailboxAsync("bo@portal.test");
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task A_list_is_taken_along_as_a_file_of_the_rows_and_columns_it_shows()
    {
        await using var ada = await SignedInAsync();
        await ada.OpenAsync("admin/mailboxes?q=anna");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Columns" }).ClickAsync();
        await ada.Page.GetByRole(AriaRole.Menuitemcheckbox, new() { Name = "Used" }).ClickAsync();
        await Expect(ada.Page.Locator("thead")).Not.ToContainTextAsync("Used");
        await ada.Page.Keyboard.PressAsync("Escape");

        var download = await ada.Page.RunAndWaitForDownloadAsync(() => ada.Page.GetByRole(AriaRole.Button, new() { Name = "Export as CSV" }).ClickAsync());

        Assert.Matches("^mailboxes-[0-9]{8}-[0-9]{4}\\.csv$", download.SuggestedFilename);
        var lines = await File.ReadAllLinesAsync(await download.PathAsync());
        Assert.Equal(["Name,Address,State,Last sign-in", "anna,anna@portal.test,Active,"], lines);
        Assert.Equal("mailboxes", await portal.ReadAsync(db => db.Audit.Where(a => a.Action == "list.export").Select(a => a.Target).SingleAsync()));
        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task A_column_left_out_stays_out_and_comes_back()
    {
        await using var ada = await SignedInAsync();
        foreach (var isShown in new[] { false, true })
        {
            await ada.OpenAsync("admin/mailboxes");
            await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Columns" }).ClickAsync();
            await ada.Page.GetByRole(AriaRole.Menuitemcheckbox, new() { Name = "Last sign-in" }).ClickAsync();
            await Expect(ada.Page.Locator("thead th", new() { HasText = "Last sign-in" })).ToHaveCountAsync(isShown ? 1 : 0);

            await ada.OpenAsync("admin/mailboxes");
            await Expect(ada.Page.Locator("thead th", new() { HasText = "Last sign-in" })).ToHaveCountAsync(isShown ? 1 : 0);
        }
    }

    [Fact]
    public async Task A_view_is_kept_by_name_opened_again_and_forgotten()
    {
        await using var ada = await SignedInAsync();
        await ada.OpenAsync("admin/mailboxes?q=bo&sort=-name");
        var views = ada.Page.GetByRole(AriaRole.Button, new() { Name = "Saved views" });
        await views.ClickAsync();
        await ada.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Save this view" }).ClickAsync();
        await ada.Page.GetByLabel("Name of the view").FillAsync("Only Bo");
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(ada.Page.Locator(".mud-snackbar")).ToContainTextAsync("Saved the view “Only Bo”");

        await ada.OpenAsync("admin/mailboxes");
        await views.ClickAsync();
        await ada.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Only Bo" }).ClickAsync();
        await Expect(ada.Page.Locator("tbody tr")).ToHaveCountAsync(1);
        Assert.EndsWith("?q=bo&sort=-name", ada.Page.Url, StringComparison.Ordinal);

        await views.ClickAsync();
        await ada.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Forget “Only Bo”" }).ClickAsync();
        await Expect(ada.Page.Locator(".mud-snackbar").Last).ToContainTextAsync("Forgot the view “Only Bo”");
        Assert.False(await portal.ReadAsync(db => db.SavedViews.AnyAsync()));
        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task On_a_phone_the_filters_are_a_sheet_from_below()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url, width: 360, height: 740);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("admin/mailboxes");
        var state = ada.Page.Locator(".filters").GetByLabel("State", new() { Exact = true });
        await Expect(state).ToBeHiddenAsync();

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Filters" }).ClickAsync();
        await Expect(ada.Page.Locator(".filters")).ToBeFocusedAsync();
        await ada.Page.Keyboard.PressAsync("Escape");
        await Expect(state).ToBeHiddenAsync();
        await Expect(ada.Page.GetByRole(AriaRole.Button, new() { Name = "Filters" })).ToBeFocusedAsync();

        await ada.Page.Keyboard.PressAsync("Enter");
        await state.SelectOptionAsync("Disabled");
        await ada.Page.ScreenshotAsync(new() { Path = Path.Combine(Screenshots.Folder, "filters-sheet-en-light-360.png") });
        Assert.Empty(await Screenshots.LookAsync(ada));
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Show the list" }).ClickAsync();
        await Expect(state).ToBeHiddenAsync();
        await Expect(ada.Page.Locator(".empty")).ToContainTextAsync("Nothing matches");

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Filters" }).ClickAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Remove the filter “State”" }).ClickAsync();
        await ada.Page.Keyboard.PressAsync("Escape");
        await Expect(ada.Page.Locator("tbody tr")).ToHaveCountAsync(3);
    }

    [Fact]
    public async Task A_field_says_what_is_wrong_when_it_is_left_and_saving_leads_to_the_first_error()
    {
        await using var ada = await SignedInAsync();
        await ada.OpenAsync("admin/mailboxes?new=true");
        var (name, address, quota) = (ada.Page.GetByLabel("Name", new() { Exact = true }), ada.Page.GetByLabel("Address before the @"), ada.Page.Locator(".drawer").GetByLabel("Quota"));
        await quota.FillAsync("much");
        await quota.BlurAsync();
        await Expect(ada.Page.Locator(".drawer")).ToContainTextAsync("500 MB");
        await Expect(quota).ToHaveAttributeAsync("aria-invalid", "true");

        await ada.Page.Locator(".drawer-foot").GetByRole(AriaRole.Button, new() { Name = "Create mailbox" }).ClickAsync();
        await Expect(name).ToBeFocusedAsync();

        await name.FillAsync("Anna");
        await address.FillAsync("anna");
        await quota.FillAsync("1 GB");
        await ada.Page.Locator(".drawer-foot").GetByRole(AriaRole.Button, new() { Name = "Create mailbox" }).ClickAsync();
        await Expect(ada.Page.Locator(".drawer")).ToContainTextAsync("is taken");
        await Expect(address).ToBeFocusedAsync();
        Assert.Empty(ada.Faults);
    }

    private async Task<Person> SignedInAsync()
    {
        var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        return person;
    }
}
