using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web;

/// <summary>What begins and ends sessions, through HTTP and on both databases.</summary>
public class SessionTests
{
    [Theory, BothDatabases]
    public async Task A_reset_ends_the_session_at_once(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync("anna@portal.test", PortalHost.Password);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("account")).Status);

        await portal.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: false, CancellationToken.None);

        Assert.Contains("sign-in", (await browser.GetAsync("account")).Location, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, true)]
    [InlineData(DatabaseKind.Sqlite, false)]
    [InlineData(DatabaseKind.Postgres, true)]
    [InlineData(DatabaseKind.Postgres, false)]
    public async Task Sign_out_everywhere_and_End_sessions_end_every_session_of_the_account_and_no_other(DatabaseKind kind, bool byOwner)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        using var here = new PortalBrowser(portal);
        using var there = new PortalBrowser(portal);
        using var ada = new PortalBrowser(portal);
        foreach (var browser in new[] { here, there }) await browser.SignInAsync("anna@portal.test", PortalHost.Password);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        Assert.Equal(HttpStatusCode.OK, (await there.GetAsync("account")).Status);
        var administrator = await portal.ReadAsync(db => db.Accounts.Where(a => a.UserName == PortalHost.AdminAddress).Select(a => a.Id).SingleAsync());
        var actor = byOwner
            ? Actor.ForAccount(anna.AccountId, "anna@portal.test", [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null)
            : Actor.ForAccount(administrator, PortalHost.AdminAddress, [new HeldRole(Role.Administrator, Scope.Everything)], Channel.Portal, null);

        Assert.True((await portal.Get<AccountService>().SignOutEverywhereAsync(actor, anna.AccountId, CancellationToken.None)).IsDone);

        foreach (var browser in new[] { here, there }) Assert.Contains("sign-in", (await browser.GetAsync("account")).Location, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await ada.GetAsync("account")).Status);
        Assert.Equal(HttpStatusCode.Redirect, (await here.SignInAsync("anna@portal.test", PortalHost.Password)).Status);
        Assert.Equal(HttpStatusCode.OK, (await here.GetAsync("account")).Status);
    }

    [Theory, BothDatabases]
    public async Task A_changed_password_keeps_this_session_and_ends_the_others(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        await portal.AddMailboxAsync("anna@portal.test");
        using var here = new PortalBrowser(portal);
        using var there = new PortalBrowser(portal);
        await here.SignInAsync("anna@portal.test", PortalHost.Password);
        await there.SignInAsync("anna@portal.test", PortalHost.Password);

        var wrong = await here.SubmitAsync("account/password", "password", ("Form.Present", "not this one at all"), ("Form.Password", "a longer new sentence"));
        Assert.Contains("present-error", wrong.Text, StringComparison.Ordinal);
        var done = await here.SubmitAsync("account/password", "password", ("Form.Present", PortalHost.Password), ("Form.Password", "a longer new sentence"));

        Assert.Contains("/account/security", done.Location, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await here.GetAsync("account")).Status);
        Assert.Contains("sign-in", (await there.GetAsync("account")).Location, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_first_password_link_works_once(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        var made = await portal.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: true, CancellationToken.None);
        var link = Portal.Web.Security.Links.FirstPassword(made.Value.LinkToken!);
        using var browser = new PortalBrowser(portal);

        Assert.Contains("new-password-error", (await browser.SubmitAsync(link, "first-password", ("Form.Password", "short"))).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.SubmitAsync(link, "first-password", ("Form.Password", "a sentence of my own"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("account")).Status);
        Assert.Contains("does not work any more", (await browser.GetAsync(link)).Text, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task The_keys_of_cookies_are_sealed_in_the_database(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        using var browser = new PortalBrowser(portal);
        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        var keys = await portal.ReadAsync(db => db.DataProtectionKeys.AsNoTracking().ToListAsync());

        Assert.NotEmpty(keys);
        Assert.All(keys, key => Assert.Contains("<sealed", key.Xml, StringComparison.Ordinal));
        Assert.All(keys, key => Assert.DoesNotContain("masterKey", key.Xml, StringComparison.Ordinal));
    }
}
