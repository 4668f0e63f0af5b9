using Portal.Tests.Fixtures;
using Portal.Tests.Web.Mail;

namespace Portal.Tests.EndToEnd;

/// <summary>Mail, Account and Helpdesk on a phone: everything that is pressed is big enough for a thumb, and nothing else is wrong there.</summary>
[Collection(BrowserCollection.Name)]
public sealed class ThumbScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;
    private long item;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        item = await portal.DeliverAsync(anna.MailboxId, "From: Carl <carl@example.org>\nTo: anna@portal.test\nSubject: Lunch\nMessage-ID: <lunch@example.org>\n\nToday?\n");
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task My_mail_and_my_account() => Assert.Empty(await FindingsAsync("anna@portal.test", "mail", $"mail?item={item}", $"mail?compose=reply-{item}", "mail/recover", "account", "account/security", "account/password"));

    [Fact]
    public async Task Helpdesk() => Assert.Empty(await FindingsAsync(PortalHost.AdminAddress, "helpdesk?q=anna", "helpdesk?q=portal.test"));

    private async Task<List<string>> FindingsAsync(string name, params string[] paths)
    {
        await using var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync(name, PortalHost.Password);
        await person.Page.SetViewportSizeAsync(360, 740);
        var findings = new List<string>();
        foreach (var path in paths)
        {
            await person.OpenAsync(path);
            await person.Page.WaitForFunctionAsync("() => document.querySelector('.waiting') === null");
            findings.AddRange((await Screenshots.LookAsync(person)).Select(finding => $"{path}: {finding}"));
        }

        return findings;
    }
}
