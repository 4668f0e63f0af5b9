using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Lists;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.EndToEnd;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.Web.Admin;

/// <summary>A sender is listed in the browser, its mail is kept back, looked at, and let through.</summary>
[Collection(BrowserCollection.Name)]
public sealed class QuarantineScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private const string Text = "From: Mallory <m@spam.example>\r\nTo: anna@portal.test\r\nSubject: You won\r\n\r\nSend <b>money</b> to http://evil.example now.\r\n";
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("anna@portal.test");
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task From_the_list_to_the_quarantine_to_the_inbox()
    {
        await using var ada = await OpenAsync("admin/lists");
        await ada.Page.Keyboard.PressAsync("n");
        var drawer = ada.Page.GetByRole(AriaRole.Dialog);
        await drawer.GetByLabel("Sender").FillAsync("spam .example");
        await drawer.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(drawer).ToContainTextAsync("neither an address nor a domain nor a network");
        await drawer.GetByLabel("Sender").FillAsync("@SPAM.example");
        await drawer.GetByLabel("What happens").SelectOptionAsync("Quarantine");
        await drawer.GetByLabel("Reason").FillAsync("lottery");
        await drawer.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(ada.Page.Locator("tbody tr")).ToContainTextAsync(["spam.example"]);

        await ada.OpenAsync("admin/quarantine");
        await Expect(ada.Page.GetByText("Nothing is kept back")).ToBeVisibleAsync();
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort)) Assert.StartsWith("250", await talk.SendAsync("bounce@mail.spam.example", ["anna@portal.test"], Text), StringComparison.Ordinal);
        var row = ada.Page.Locator("tbody tr");
        await Expect(row).ToContainTextAsync(["Mallory"]);   // by itself
        await row.GetByRole(AriaRole.Button, new() { Name = "Mallory" }).ClickAsync();
        await Expect(drawer.Locator("h2")).ToContainTextAsync("You won");
        await Expect(drawer.Locator(".safe-text")).ToHaveTextAsync("Send <b>money</b> to http://evil.example now.");
        Assert.Equal(0, await drawer.Locator(".safe-text a, .safe-text b").CountAsync());
        await drawer.GetByText("Header", new() { Exact = true }).ClickAsync();
        await Expect(drawer.Locator("details pre")).ToContainTextAsync("Return-Path: <bounce@mail.spam.example>");

        await drawer.GetByRole(AriaRole.Button, new() { Name = "Release" }).ClickAsync();
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Release" }).ClickAsync();
        await Expect(ada.Page.Locator(".mud-snackbar")).ToContainTextAsync("1 message is on its way to the inbox.");
        await Expect(ada.Page.GetByText("Nothing is kept back")).ToBeVisibleAsync();
        await portal.EventuallyAsync(db => db.TraceRecipients.Select(r => r.Outcome).SingleAsync(), outcome => outcome == RecipientOutcome.Delivered);
        Assert.Equal(1, await portal.ReadAsync(db => db.MailItems.CountAsync()));
        Assert.Equal(["list.create", "quarantine.view", "quarantine.release"], await portal.ReadAsync(db => db.Audit.Where(a => a.Action.StartsWith("list.") || a.Action.StartsWith("quarantine.")).OrderBy(a => a.Id).Select(a => a.Action).ToListAsync()));
        Assert.Empty(ada.Faults);
    }

    [Theory]
    [InlineData("en", false, 1280, 800)]
    [InlineData("zh-Hans", true, 360, 740)]
    public async Task A_contradiction_is_told_in_the_form_and_both_pages_look_right(string language, bool dark, int width, int height)
    {
        var lists = portal.Get<ListService>();
        var op = Actor.Operator();
        await lists.CreateAsync(op, new() { Kind = ListKind.Quarantine, Sender = "spam.example", Reason = "lottery" }, CancellationToken.None);
        await lists.CreateAsync(op, new() { Kind = ListKind.Refuse, Sender = "203.0.113.0/24", ExpiresAt = DateTimeOffset.UtcNow.AddDays(7) }, CancellationToken.None);
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort))
            for (var i = 0; i < 3; i++) await talk.SendAsync($"bounce{i}@mail.spam.example", ["anna@portal.test"], Text);
        await using var ada = await browser.NewPersonAsync(portal.Url, language, dark);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.Page.SetViewportSizeAsync(width, height);
        var findings = new List<string>();

        await LookAsync("admin/lists", "lists");
        await ada.OpenAsync("admin/lists?entry=new&sender=friend@spam.example");
        await ada.Page.GetByRole(AriaRole.Dialog).Locator("select").First.SelectOptionAsync("Allow");
        await Expect(ada.Page.Locator(".conflicts li")).ToContainTextAsync(["spam.example"]);
        findings.AddRange(await Screenshots.TakeAsync(ada, $"lists-conflict-{language}", width, height));
        await LookAsync("admin/quarantine", "quarantine");
        var item = await portal.ReadAsync(db => db.QuarantineItems.Select(i => i.Id).FirstAsync());
        await ada.OpenAsync($"admin/quarantine?item={item}");
        await Expect(ada.Page.Locator(".safe-text")).ToBeVisibleAsync();
        findings.AddRange(await Screenshots.TakeAsync(ada, $"quarantine-item-{language}", width, height));
        Assert.Equal(1, await portal.ReadAsync(db => db.Audit.CountAsync(a => a.Action == "quarantine.view")));   // one look, though the page is drawn twice

        Assert.True(findings.Count == 0, string.Join('\n', findings));
        Assert.Empty(ada.Faults);

        async Task LookAsync(string path, string name)
        {
            await ada.OpenAsync(path);
            await Expect(ada.Page.Locator("tbody tr").First).ToBeVisibleAsync();
            findings.AddRange(await Screenshots.TakeAsync(ada, $"{name}-{language}", width, height));
        }
    }

    private async Task<Person> OpenAsync(string path)
    {
        var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await person.OpenAsync(path);
        return person;
    }
}
