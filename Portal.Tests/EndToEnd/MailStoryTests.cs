using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Tests.Web.Mail;

namespace Portal.Tests.EndToEnd;

/// <summary>A day with My mail on a real screen.</summary>
[Collection(BrowserCollection.Name)]
public sealed class MailStoryTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private static readonly byte[] File = [.. Enumerable.Range(0, 70_000).Select(i => (byte)(i % 253))];
    private readonly LosableDatabase database = new();
    private PortalHost portal = null!;
    private Guid anna, bert;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = database.Configure });
        anna = (await portal.AddMailboxAsync("anna@portal.test")).MailboxId;
        bert = (await portal.AddMailboxAsync("bert@portal.test")).MailboxId;
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task New_mail_appears_by_itself_is_read_and_its_attachment_comes_down_whole()
    {
        await using var window = await OpenAsync("anna@portal.test");
        var page = window.Page;
        await Assertions.Expect(page.GetByText("Nothing here")).ToBeVisibleAsync();

        await portal.DeliverAsync(anna, MailPost.WithFile("Quarterly figures", "figures.pdf", File, "<p>Look at the <b>file</b>.</p><script>document.title = 'owned'</script>"));

        var row = page.Locator(".mail-row").Filter(new() { HasText = "Quarterly figures" });
        await Assertions.Expect(row).ToBeVisibleAsync(new() { Timeout = 3000 });
        await Assertions.Expect(row).ToHaveClassAsync(new Regex("is-unread"));
        var body = await ReadAsync(page, () => row.Locator(".mail-link").ClickAsync());
        Assert.Contains("Look at the <b>file</b>.", body);
        Assert.DoesNotContain("owned", body);
        await Assertions.Expect(row).Not.ToHaveClassAsync(new Regex("is-unread"));
        Assert.DoesNotContain("owned", await page.TitleAsync());

        var download = await page.RunAndWaitForDownloadAsync(() => page.Locator("a.attachment").ClickAsync());
        Assert.Equal("figures.pdf", download.SuggestedFilename);
        Assert.Equal(File, await System.IO.File.ReadAllBytesAsync(await download.PathAsync(), Cancel));
        Assert.Empty(await Screenshots.LookAsync(window));
    }

    [Fact]
    public async Task An_answer_with_an_attachment_arrives_and_the_original_is_marked()
    {
        var item = await portal.DeliverAsync(anna, "From: Bert <bert@portal.test>\nTo: anna@portal.test\nSubject: Lunch\nMessage-ID: <lunch@portal.test>\n\nToday at twelve?\n");
        await using var window = await OpenAsync("anna@portal.test");
        var page = window.Page;
        Assert.Contains("Today at twelve?", await ReadAsync(page, () => page.Locator(".mail-link").ClickAsync()));

        await page.Keyboard.PressAsync("r");
        var text = page.GetByLabel("Text", new() { Exact = true });
        await Assertions.Expect(text).ToHaveValueAsync(new Regex("> Today at twelve\\?"));
        await Assertions.Expect(text).ToBeFocusedAsync();   // the caret stands above the quotation from here on
        await text.PressSequentiallyAsync("Yes, see the map.\n");
        await page.Locator(".compose input[type=file]").SetInputFilesAsync(new FilePayload { Name = "map.pdf", MimeType = "application/pdf", Buffer = File });
        await Assertions.Expect(page.Locator(".compose .attachment").Filter(new() { HasText = "map.pdf" }).Locator("button")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("Saved in Drafts")).ToBeVisibleAsync();   // by itself, within seconds
        Assert.Empty(await Screenshots.LookAsync(window));
        await page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByText("The message is on its way.")).ToBeVisibleAsync();

        var arrived = await portal.EventuallyAsync(
            db => db.MailItems.Where(i => i.MailboxId == bert && i.DeletedAt == null).Select(i => (long?)i.MessageId).FirstOrDefaultAsync(), id => id is not null);
        using var mail = await portal.Get<MailOpener>().OpenAsync(arrived!.Value, Cancel);
        var copy = new MemoryStream();
        await mail.CopyPartAsync(mail.Attachments.Single().Number, copy, Cancel);
        Assert.Equal(File, copy.ToArray());
        Assert.StartsWith("Yes, see the map.", mail.Text);
        Assert.Equal("<lunch@portal.test>", mail.Header("In-Reply-To"));
        await portal.EventuallyAsync(db => db.MailItems.Where(i => i.Id == item).Select(i => i.Flags).SingleAsync(), flags => flags.HasFlag(MailFlags.Answered));
        Assert.Equal((1, 0), await portal.ReadAsync(async db => (await InAsync(db, anna, SpecialUse.Sent), await InAsync(db, anna, SpecialUse.Drafts))));
    }

    [Fact]
    public async Task A_refused_letter_says_why_and_keeps_every_word()
    {
        await using var window = await OpenAsync("anna@portal.test");
        var page = window.Page;
        await page.Keyboard.PressAsync("c");
        await page.GetByLabel("To", new() { Exact = true }).FillAsync("nobody@portal.test");
        await page.Keyboard.PressAsync("Enter");
        await page.GetByLabel("Subject").FillAsync("Hello");
        await page.GetByLabel("Text", new() { Exact = true }).FillAsync("Every word");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();

        await Assertions.Expect(page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "nobody@portal.test does not exist here." })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByLabel("Text", new() { Exact = true })).ToHaveValueAsync("Every word");

        await page.GetByLabel("Subject").FillAsync("Hello again");
        await portal.EventuallyAsync(db => db.Messages.AnyAsync(m => m.Subject == "Hello again"), saved => saved);
        await Assertions.Expect(page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "does not exist here." })).ToBeVisibleAsync();   // the draft's saving ends no refusal

        await page.GetByRole(AriaRole.Button, new() { Name = "Remove nobody@portal.test" }).ClickAsync();
        await page.GetByLabel("To", new() { Exact = true }).FillAsync("wrong, bert@portal.test");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByText("“wrong” is not an address.").Last).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove wrong" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
        await portal.EventuallyAsync(db => InAsync(db, bert, SpecialUse.Inbox), count => count == 1);
    }

    [Fact]
    public async Task A_draft_is_there_again_after_a_reload()
    {
        await using var window = await OpenAsync("anna@portal.test");
        var page = window.Page;
        await page.Keyboard.PressAsync("c");
        await page.GetByLabel("Subject").FillAsync("Half done");
        await page.GetByLabel("Text", new() { Exact = true }).FillAsync("First line\nSecond line");
        await Assertions.Expect(page.GetByText("Saved in Drafts")).ToBeVisibleAsync();
        await page.WaitForURLAsync("**compose=draft-*");

        await page.ReloadAsync();
        await window.InteractiveAsync();

        await Assertions.Expect(page.GetByLabel("Subject")).ToHaveValueAsync("Half done");
        await Assertions.Expect(page.GetByLabel("Text", new() { Exact = true })).ToHaveValueAsync("First line\nSecond line");
    }

    [Fact]
    public async Task The_oldest_mail_is_reached_behind_two_hundred_rows_and_the_newest_again()
    {
        for (var i = 1; i <= 230; i++) await portal.DeliverAsync(anna, $"From: Carl <carl@example.org>\nSubject: Number {i:000}\n\nText\n");
        await using var window = await OpenAsync("anna@portal.test");
        var page = window.Page;
        ILocator Row(string subject) => page.Locator(".mail-row").Filter(new() { HasText = subject });
        for (var shown = 50; shown < 230; shown += 50)
        {
            await Assertions.Expect(page.Locator(".mail-row")).ToHaveCountAsync(shown);
            await page.GetByRole(AriaRole.Button, new() { Name = "Show older" }).ClickAsync();
        }

        await Assertions.Expect(Row("Number 001")).ToHaveCountAsync(1);
        await Assertions.Expect(Row("Number 230")).ToHaveCountAsync(0);
        await Assertions.Expect(page.Locator(".mail-row")).ToHaveCountAsync(200);

        await page.GetByRole(AriaRole.Button, new() { Name = "Show newer" }).ClickAsync();
        await Assertions.Expect(Row("Number 230")).ToHaveCountAsync(1);
        await Assertions.Expect(page.Locator(".mail-row")).ToHaveCountAsync(50);
    }

    [Fact]
    public async Task Mail_is_moved_deleted_taken_back_and_recovered()
    {
        for (var i = 1; i <= 3; i++) await portal.DeliverAsync(anna, $"From: Carl <carl@example.org>\nSubject: Message {i}\n\nText {i}\n");
        await using var window = await OpenAsync("anna@portal.test");
        var page = window.Page;
        ILocator Row(string subject) => page.Locator(".mail-row").Filter(new() { HasText = subject });

        await Row("Message 1").GetByRole(AriaRole.Checkbox).CheckAsync();
        await Row("Message 2").GetByRole(AriaRole.Checkbox).CheckAsync();
        await page.Locator(".mail-tools").GetByRole(AriaRole.Button, new() { Name = "Move to a folder" }).ClickAsync();
        await page.Locator(".mud-popover-open").GetByText("Archive").ClickAsync();
        await Assertions.Expect(page.GetByText("2 messages are in Archive.")).ToBeVisibleAsync();
        await Assertions.Expect(Row("Message 1")).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Assertions.Expect(Row("Message 1")).ToBeVisibleAsync();

        Assert.Contains("Text 3", await ReadAsync(page, () => Row("Message 3").Locator(".mail-link").ClickAsync()));
        await page.Keyboard.PressAsync("Delete");
        await Assertions.Expect(Row("Message 3")).ToHaveCountAsync(0);

        await page.Locator(".side-link").Filter(new() { HasText = "Trash" }).ClickAsync();
        await Row("Message 3").GetByRole(AriaRole.Checkbox).CheckAsync();
        await page.Locator(".mail-tools").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(page.GetByText("it can be recovered for 14 days")).ToBeVisibleAsync();

        await page.Locator(".side-link").Filter(new() { HasText = "Recover deleted mail" }).ClickAsync();
        await Row("Message 3").GetByRole(AriaRole.Checkbox).CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Recover to Inbox" }).ClickAsync();
        await Assertions.Expect(page.GetByText("Nothing to recover")).ToBeVisibleAsync();
        await page.Locator(".side-link").Filter(new() { HasText = "Inbox" }).ClickAsync();
        await Assertions.Expect(Row("Message 3")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_letter_that_cannot_be_discarded_stays_open_and_says_so()
    {
        await using var window = await OpenAsync("anna@portal.test");
        var page = window.Page;
        await page.Keyboard.PressAsync("c");
        await page.GetByLabel("Subject").FillAsync("Second thoughts");
        await Assertions.Expect(page.GetByText("Saved in Drafts")).ToBeVisibleAsync();

        database.IsLost = true;
        await page.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(page.GetByText("can't be discarded just now")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByLabel("Subject")).ToHaveValueAsync("Second thoughts");

        database.IsLost = false;
        await page.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Subject")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task What_is_read_further_down_among_the_recoverable_stays_when_mail_comes()
    {
        for (var i = 1; i <= 60; i++) await portal.DeliverAsync(anna, $"From: Carl <carl@example.org>\nSubject: Number {i:00}\n\nText\n", SpecialUse.Trash);
        var (ids, account) = await portal.ReadAsync(async db => (await db.MailItems.Where(i => i.MailboxId == anna).Select(i => i.Id).ToListAsync(), await db.Mailboxes.Where(m => m.Id == anna).Select(m => m.AccountId!.Value).SingleAsync()));
        Assert.True((await portal.Get<MailService>().DeleteAsync(Actor.ForAccount(account, "anna@portal.test", [new(Role.User, Scope.Everything)], Channel.Portal, null), ids, Cancel)).IsDone);
        await using var window = await OpenAsync("anna@portal.test");
        await window.OpenAsync("mail/recover");
        var rows = window.Page.Locator(".mail-row");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Show older" }).ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(60);

        await portal.DeliverAsync(anna, "From: Carl <carl@example.org>\nSubject: New\n\nText\n");
        await Assertions.Expect(window.Page.Locator(".side-link").Filter(new() { HasText = "Inbox" })).ToContainTextAsync("1");

        await Assertions.Expect(rows).ToHaveCountAsync(60);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task The_source_of_a_message_can_be_read_light_and_dark(bool dark)
    {
        var item = await portal.DeliverAsync(anna, "From: Carl <carl@example.org>\nSubject: Raw\n\n" + string.Concat(Enumerable.Repeat("A line to read\n", 10)));
        await using var window = await browser.NewPersonAsync(portal.Url, dark: dark);
        await window.SignInAsync("anna@portal.test", PortalHost.Password);
        await window.Page.RunAndWaitForResponseAsync(() => window.OpenAsync($"mail/source/{item}"), answer => answer.Url.EndsWith("/source", StringComparison.Ordinal));
        await window.Page.Frames[^1].WaitForLoadStateAsync();

        Assert.InRange(await Screenshots.ContrastAsync(window.Page.Locator("iframe.source-frame")), 4.5, 21);
    }

    [Fact, Trait("Category", "Long")]
    public async Task Pages_of_My_mail_look_right_everywhere()
    {
        long last = 0;
        foreach (var (from, subject, text) in new[]
        {
            ("Carl Cole <carl@example.org>", "Quarterly figures and what they mean for the next budget", "The figures are in the attached file."),
            ("=?utf-8?b?546L5bCP5piO?= <wang@example.org>", "=?utf-8?b?5Lya6K6u57qq6KaB?=", "各位好，附件是今天会议的纪要。"),
            ("newsletter@a-very-long-domain-name-of-some-shop.example.org", "Sale", "Only today."),
        })
            last = await portal.DeliverAsync(anna, MailPost.WithFile(subject, "figures.pdf", File).Replace("Carl Cole <carl@example.org>", from).Replace("Look at the file.", text));
        await portal.DeliverAsync(anna, MailPost.WithFile("gone", "figures.pdf", File), SpecialUse.Trash);
        var inbox = await portal.ReadAsync(db => db.Folders.Where(f => f.MailboxId == anna && f.SpecialUse == SpecialUse.Inbox).Select(f => f.Id).SingleAsync());
        var archive = await portal.ReadAsync(db => db.Folders.Where(f => f.MailboxId == anna && f.SpecialUse == SpecialUse.Archive).Select(f => f.Id).SingleAsync());

        await new Screenshots(browser).TakeAsync(portal.Url, "anna@portal.test", PortalHost.Password,
            ("mail-list", "mail"), ("mail-empty", $"mail/{archive}"), ("mail-reading", $"mail/{inbox}?item={last}"), ("mail-text", $"mail/{inbox}?item={last - 1}"), ("mail-compose", $"mail/{inbox}?compose=new"),
            ("mail-reply", $"mail/{inbox}?compose=all-{last}"), ("mail-gone", $"mail/{inbox}?item=999999"), ("mail-no-folder", "mail/999999"), ("mail-recover", "mail/recover"), ("mail-source", $"mail/source/{last}"));
    }

    /// <summary>What the reading frame is given; no script, not even the test's, runs inside it.</summary>
    private static async Task<string> ReadAsync(IPage page, Func<Task> open)
    {
        var body = await page.RunAndWaitForResponseAsync(open, answer => answer.Url.Contains("/body?", StringComparison.Ordinal));
        await Assertions.Expect(page.Locator("iframe.reading-body")).ToHaveAttributeAsync("sandbox", "allow-popups allow-popups-to-escape-sandbox");
        return await body.TextAsync();
    }

    private async Task<Person> OpenAsync(string name)
    {
        var window = await browser.NewPersonAsync(portal.Url);
        await window.SignInAsync(name, PortalHost.Password);
        await window.OpenAsync("mail");
        await window.Page.Locator(".mail[data-keys=on]").WaitForAsync();
        return window;
    }

    private static Task<int> InAsync(Portal.Core.Data.PortalDbContext db, Guid mailbox, SpecialUse use) =>
        db.MailItems.CountAsync(i => i.MailboxId == mailbox && i.DeletedAt == null && db.Folders.Any(f => f.Id == i.FolderId && f.SpecialUse == use));
}
