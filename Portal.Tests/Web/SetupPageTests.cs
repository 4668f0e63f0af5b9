using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web;

/// <summary>The set-up wizard: from an empty system to a signed-in administrator, once.</summary>
public sealed class SetupPageTests : IAsyncLifetime
{
    private PortalHost portal = null!;

    private string Link => $"setup/{portal.SetupToken}";

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync(new PortalHostWishes { IsSetUp = false });

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task Three_steps_end_signed_in_on_the_overview()
    {
        using var browser = new PortalBrowser(portal);

        Assert.Contains("Form.Domain\"", (await StepAsync(browser, "Organisation")).Text, StringComparison.Ordinal);
        Assert.Contains("new-password", (await StepAsync(browser, "Domain")).Text, StringComparison.Ordinal);
        var done = await StepAsync(browser, "Administrator");

        Assert.EndsWith("/admin", done.Location, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("account")).Status);
        Assert.NotNull((await portal.Get<MailboxListService>().SearchAsync(Actor.Operator(), new MailboxQuery(), CancellationToken.None)).Value.Rows.Single().LastSignInAt);
        Assert.Empty((await portal.Get<MailboxListService>().SearchAsync(Actor.Operator(), new MailboxQuery { NeverSignedIn = true }, CancellationToken.None)).Value.Rows);
        Assert.Equal("example.test", await portal.ReadAsync(db => db.Domains.Select(d => d.Name).SingleAsync()));
    }

    [Fact]
    public async Task The_link_works_once_and_says_so_afterwards()
    {
        using var browser = new PortalBrowser(portal);
        await StepAsync(browser, "Administrator");
        using var other = new PortalBrowser(portal);

        var (status, text, _) = await other.GetAsync(Link);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.DoesNotContain("new-password", text, StringComparison.Ordinal);
        Assert.Contains("role=\"alert\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_at_once_one_wins_and_the_other_reads_why()
    {
        using var one = new PortalBrowser(portal);
        using var two = new PortalBrowser(portal);
        var fields = Fields("Administrator");
        var (_, pageOne, _) = await one.GetAsync(Link);
        var (_, pageTwo, _) = await two.GetAsync(Link);

        var both = await Task.WhenAll(
            one.PostAsync(Link, [("_handler", "setup"), ("__RequestVerificationToken", PortalBrowser.TokenOf(pageOne)), .. fields]),
            two.PostAsync(Link, [("_handler", "setup"), ("__RequestVerificationToken", PortalBrowser.TokenOf(pageTwo)), .. fields]));

        Assert.Single(both, b => b.Status == HttpStatusCode.Redirect);
        Assert.Contains("role=\"alert\"", Assert.Single(both, b => b.Status == HttpStatusCode.OK).Text, StringComparison.Ordinal);
        Assert.Equal(1, await portal.ReadAsync(db => db.Accounts.CountAsync()));
    }

    [Fact]
    public async Task A_bad_domain_is_said_at_its_field_and_nothing_is_lost()
    {
        using var browser = new PortalBrowser(portal);

        var (_, text, _) = await browser.SubmitAsync(Link, "setup", ("Form.Step", "Domain"), ("Form.Go", "Next"), ("Form.Organisation", "Example Works"), ("Form.Domain", "not a domain"));

        Assert.Contains("aria-invalid=\"true\"", text, StringComparison.Ordinal);
        Assert.Contains("value=\"not a domain\"", text, StringComparison.Ordinal);
        Assert.Contains("value=\"Example Works\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_link_opens_nothing()
    {
        using var browser = new PortalBrowser(portal);

        var (_, text, _) = await browser.GetAsync("setup/0000");

        Assert.DoesNotContain("Form.Organisation", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_in_says_that_there_is_nobody_yet()
    {
        using var browser = new PortalBrowser(portal);

        Assert.Contains("no administrator yet", (await browser.GetAsync("sign-in")).Text, StringComparison.Ordinal);
    }

    private Task<(HttpStatusCode Status, string Text, string? Location)> StepAsync(PortalBrowser browser, string step) => browser.SubmitAsync(Link, "setup", Fields(step));

    private static (string, string)[] Fields(string step) =>
    [
        ("Form.Step", step), ("Form.Go", "Next"), ("Form.Organisation", "Example Works"), ("Form.Domain", "example.test"),
        ("Form.Administrator", "ada@example.test"), ("Form.AdministratorName", "Ada Admin"), ("Form.Password", PortalHost.Password),
    ];
}
