using Microsoft.Playwright;
using Portal.Tests.Fixtures;
using Portal.Tests.Web.Mail;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>My mail by the keyboard (PORTAL §6).</summary>
[Collection(BrowserCollection.Name)]
public sealed class MailKeysScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        for (var i = 1; i <= 3; i++) await portal.DeliverAsync(anna.MailboxId, $"From: Carl <carl@example.org>\nSubject: Message {i}\n\nText {i}\n");
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task J_and_K_walk_through_the_list_and_never_while_typing()
    {
        await using var anna = await OpenAsync();
        var keyboard = anna.Page.Keyboard;
        await keyboard.PressAsync("j");
        await ExpectOpenAsync(anna, "Message 3");
        await keyboard.PressAsync("j");
        await ExpectOpenAsync(anna, "Message 2");
        await keyboard.PressAsync("k");
        await ExpectOpenAsync(anna, "Message 3");

        await keyboard.PressAsync("c");
        await anna.Page.GetByLabel("Subject").PressSequentiallyAsync("jack craft");
        await Expect(anna.Page.GetByLabel("Subject")).ToHaveValueAsync("jack craft");
    }

    [Fact]
    public async Task In_the_list_the_arrows_move_alike_and_Space_selects()
    {
        await using var anna = await OpenAsync();
        var keyboard = anna.Page.Keyboard;
        var second = anna.Page.Locator(".mail-row").Nth(1);
        await anna.Page.Locator(".mail-link").First.FocusAsync();
        await keyboard.PressAsync("ArrowDown");
        await ExpectOpenAsync(anna, "Message 2");
        await Expect(second.Locator(".mail-link")).ToBeFocusedAsync();

        await keyboard.PressAsync("Space");
        await Expect(second.GetByRole(AriaRole.Checkbox)).ToBeCheckedAsync();
        await Expect(anna.Page.GetByText("1 selected")).ToBeVisibleAsync();
        await keyboard.PressAsync("ArrowUp");
        await ExpectOpenAsync(anna, "Message 3");

        await keyboard.PressAsync("c");
        await anna.Page.GetByLabel("Text", new() { Exact = true }).FillAsync("one\ntwo");
        await keyboard.PressAsync("ArrowUp");   // in a text the arrows are the caret's
        await keyboard.PressAsync("Space");
        await Expect(anna.Page.GetByLabel("Text", new() { Exact = true })).ToHaveValueAsync("one \ntwo");
        Assert.Empty(anna.Faults);
    }

    private static Task ExpectOpenAsync(Person person, string subject) => Expect(person.Page.Locator(".reading-head h2")).ToHaveTextAsync(subject);

    private async Task<Person> OpenAsync()
    {
        var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync("anna@portal.test", PortalHost.Password);
        await person.OpenAsync("mail");
        await person.Page.Locator(".mail[data-keys=on]").WaitForAsync();
        return person;
    }
}
