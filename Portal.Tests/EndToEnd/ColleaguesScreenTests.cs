using Microsoft.Playwright;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.EndToEnd;

/// <summary>Colleagues offered while a letter is addressed, with keyboard and thumb.</summary>
[Collection(BrowserCollection.Name)]
public sealed class ColleaguesScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("anna@portal.test");
        foreach (var (address, name) in new[] { ("bert@portal.test", "Bert Ahlgren"), ("berta.with.a.long.name@portal.test", "Berta von und zu Hohenlohe-Langenburg"), ("x@portal.test", "Carl Berg") })
        {
            var made = await portal.AddMailboxAsync(address);
            await portal.Get<MailboxService>().RenameAsync(Actor.Operator(), made.MailboxId, 0, name, CancellationToken.None);
        }
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task The_keyboard_chooses_takes_and_closes_and_stays_in_the_field()
    {
        await using var anna = await OpenAsync("en", dark: false);
        var (field, options, keyboard) = (To(anna), anna.Page.GetByRole(AriaRole.Option), anna.Page.Keyboard);
        await field.PressSequentiallyAsync("ber");
        await Expect(options).ToHaveCountAsync(3);

        await keyboard.PressAsync("ArrowDown");
        await Expect(options.Nth(1)).ToHaveAttributeAsync("aria-selected", "true");
        await keyboard.PressAsync("Tab");
        await Expect(anna.Page.Locator(".address-chip")).ToHaveTextAsync(["Berta von und zu Hohenlohe-Langenburg"]);
        await Expect(field).ToBeFocusedAsync();

        await field.PressSequentiallyAsync("bert");
        await Expect(options).ToHaveCountAsync(1);
        await keyboard.PressAsync("Escape");
        await Expect(options).ToHaveCountAsync(0);
        await Expect(field).ToHaveValueAsync("bert");
        await keyboard.PressAsync("Tab");   // nobody offered: it leaves, and what was typed is taken
        await Expect(field).Not.ToBeFocusedAsync();
        await Expect(anna.Page.Locator(".address-chip.is-wrong")).ToHaveCountAsync(1);
        Assert.Empty(anna.Faults);
    }

    [Theory]
    [InlineData("en", false, 1280)]
    [InlineData("zh-Hans", true, 360)]
    public async Task They_look_right_and_a_press_takes_one(string language, bool dark, int width)
    {
        await using var anna = await OpenAsync(language, dark);
        await anna.Page.SetViewportSizeAsync(width, 740);
        await To(anna).PressSequentiallyAsync("ber");
        var options = anna.Page.GetByRole(AriaRole.Option);
        await Expect(options).ToHaveCountAsync(3);

        Assert.Empty(await Screenshots.TakeAsync(anna, $"colleagues-{language}", width, 740));
        if (width < 600) Assert.True((await options.First.BoundingBoxAsync())!.Height >= 44);
        await options.Nth(2).ClickAsync();

        await Expect(anna.Page.Locator(".address-chip")).ToHaveTextAsync(["Carl Berg"]);
        await Expect(To(anna)).ToBeFocusedAsync();
    }

    private static ILocator To(Person person) => person.Page.GetByRole(AriaRole.Combobox).First;

    private async Task<Person> OpenAsync(string language, bool dark)
    {
        var person = await browser.NewPersonAsync(portal.Url, language, dark);
        await person.SignInAsync("anna@portal.test", PortalHost.Password);
        await person.OpenAsync("mail?compose=new");
        return person;
    }
}
