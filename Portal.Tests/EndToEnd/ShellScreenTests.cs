using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Web.Components.Layout;

namespace Portal.Tests.EndToEnd;

/// <summary>The shell on a real screen.</summary>
[Collection(BrowserCollection.Name)]
public sealed class ShellScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync();

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact, Trait("Category", "Long")]
    public async Task Every_page_of_the_menu_looks_right_everywhere()
    {
        await portal.AddMailboxAsync("eve@portal.test", quotaBytes: 1L << 30, Role.Administrator, Role.Helpdesk, Role.Auditor, Role.User);
        foreach (var name in new[] { "anna.berg", "bao.li", "carla.conti" }) await portal.AddMailboxAsync($"{name}@portal.test", quotaBytes: 5L << 30);

        await new Screenshots(browser).TakeAsync(portal.Url, "eve@portal.test", PortalHost.Password,
            [.. Navigation.Entries.Select(e => (e.Href.Trim('/').Replace('/', '-'), e.Href.TrimStart('/'))), ("account-password", "account/password"), ("not-found", "admin/nowhere")]);
    }

    [Fact, Trait("Category", "Long")]
    public Task Pages_before_signing_in_look_right_everywhere() => new Screenshots(browser).TakeAsync(portal.Url, null, "", ("sign-in", "sign-in"), ("first-password-spent", "first-password/0000"), ("setup-done", "setup/0000"));

    [Fact, Trait("Category", "Long")]
    public async Task The_first_password_form_looks_right_everywhere()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        var link = await portal.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: true, CancellationToken.None);

        await new Screenshots(browser).TakeAsync(portal.Url, null, "", ("first-password", $"first-password/{link.Value.LinkToken}"));
    }

    [Fact, Trait("Category", "Long")]
    public async Task The_steps_of_the_set_up_look_right_everywhere()
    {
        await using var empty = await PortalHost.StartAsync(new PortalHostWishes { IsSetUp = false });
        var walk = new Screenshots(browser) { Prepare = WalkAsync };

        await walk.TakeAsync(empty.Url, null, "", [.. new[] { "setup-organisation", "setup-domain", "setup-domain-refused", "setup-administrator" }.Select(step => (step, $"setup/{empty.SetupToken}"))]);

        static async Task WalkAsync(Person person, string step)
        {
            if (step == "setup-organisation") return;
            await FillAsync(person, "Organisation", "Example Works", "#Domain");
            if (step == "setup-domain") return;
            if (step == "setup-domain-refused") await FillAsync(person, "Domain", "not a domain", "[role=alert]");
            else await FillAsync(person, "Domain", "example.test", "#Administrator");
        }

        static async Task FillAsync(Person person, string field, string text, string next)
        {
            await person.Page.FillAsync($"#{field}", text);
            await person.Page.ClickAsync("button[value=Next]");
            await person.Page.WaitForSelectorAsync(next);
        }
    }

    [Fact]
    public async Task Single_letters_switched_off_in_the_profile_do_nothing()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("account");
        await ada.Page.GetByLabel("Single-letter keys").UncheckAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Assertions.Expect(ada.Page.GetByText("Profile saved")).ToBeVisibleAsync();
        await ada.OpenAsync("admin/mailboxes");

        foreach (var key in new[] { "n", "/", "?" }) await ada.Page.Keyboard.PressAsync(key);
        await ada.Page.Keyboard.PressAsync("Control+k");

        await Assertions.Expect(ada.Page.Locator("#palette-text")).ToHaveValueAsync("");
        await Assertions.Expect(ada.Page.Locator(".drawer,.mud-dialog")).ToHaveCountAsync(0);
        await ada.Page.Keyboard.PressAsync("Escape");
        await ada.OpenAsync("account");
        await Assertions.Expect(ada.Page.GetByLabel("Single-letter keys")).Not.ToBeCheckedAsync();
    }

    [Fact]
    public async Task The_palette_opens_by_keys_finds_a_person_and_goes_there()
    {
        await portal.AddMailboxAsync("anna.berg@portal.test");
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("account");

        await ada.Page.Keyboard.PressAsync("Control+k");
        await Assertions.Expect(ada.Page.Locator("#palette-text")).ToBeFocusedAsync();
        await ada.Page.Keyboard.TypeAsync("anna");
        await Assertions.Expect(ada.Page.GetByRole(AriaRole.Option).Filter(new() { HasText = "anna.berg@portal.test" }).First).ToBeVisibleAsync();
        Assert.Empty(await Screenshots.LookAsync(ada));
        await ada.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(ada.Page.Locator(".palette")).ToHaveCountAsync(0);

        await ada.Page.Keyboard.PressAsync("/");
        await ada.Page.Keyboard.TypeAsync("Security");
        await Assertions.Expect(ada.Page.GetByRole(AriaRole.Option).First).ToContainTextAsync("Security");
        await ada.Page.Keyboard.PressAsync("Enter");
        await ada.Page.WaitForURLAsync("**/account/security");
    }

    [Fact]
    public async Task The_first_page_of_all_is_dark_where_the_system_is_and_stays_where_cookies_are_not_kept()
    {
        await using var visitor = await browser.NewPersonAsync(portal.Url, dark: true);
        await visitor.Page.GotoAsync("sign-in");
        await Assertions.Expect(visitor.Page.Locator("html")).ToHaveCSSAsync("color-scheme", "dark");

        await using var guarded = await browser.NewPersonAsync(portal.Url, dark: true);
        await guarded.Page.AddInitScriptAsync("Object.defineProperty(document, 'cookie', { get: () => '', set: () => { } })");
        await guarded.Page.GotoAsync("sign-in");
        await Assertions.Expect(guarded.Page.Locator("html")).ToHaveCSSAsync("color-scheme", "light");
    }

    [Fact]
    public async Task A_reset_closes_an_open_page_within_seconds()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await using var window = await browser.NewPersonAsync(portal.Url);
        await window.SignInAsync("anna@portal.test", PortalHost.Password);
        await window.OpenAsync("account");

        await portal.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: false, CancellationToken.None);

        await Assertions.Expect(window.Page).ToHaveURLAsync(new Regex("/sign-in"));
    }

    [Fact]
    public async Task Language_and_scheme_change_in_the_menu_and_stay()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("account");

        await ada.Page.Locator(".user-menu button").ClickAsync();
        await ada.Page.Locator(".mud-popover-open").GetByText("简体中文").ClickAsync();
        await Assertions.Expect(ada.Page.Locator("html")).ToHaveAttributeAsync("lang", "zh-Hans");
        await ada.InteractiveAsync();

        await ada.Page.GetByLabel("深色").CheckAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "保存" }).ClickAsync();
        await Assertions.Expect(ada.Page.GetByText("个人资料已保存")).ToBeVisibleAsync();

        await using var elsewhere = await browser.NewPersonAsync(portal.Url);
        await elsewhere.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await elsewhere.OpenAsync("account");
        await Assertions.Expect(elsewhere.Page.Locator("html")).ToHaveAttributeAsync("lang", "zh-Hans");
        Assert.Equal("dark", await elsewhere.Page.EvaluateAsync<string>("() => getComputedStyle(document.documentElement).colorScheme"));
    }
}
