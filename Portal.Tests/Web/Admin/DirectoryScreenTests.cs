using System.Net;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.EndToEnd;
using Portal.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace Portal.Tests.Web.Admin;

/// <summary>Domains, mailboxes, aliases, accounts, overview and helpdesk on a real screen.</summary>
[Collection(BrowserCollection.Name)]
public sealed partial class DirectoryScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync() => portal = await PortalHost.StartAsync();

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact, Trait("Category", "Long")]
    public async Task The_pages_look_right_everywhere()
    {
        var (domain, anna, alias) = await FillAsync();
        await new Screenshots(browser).TakeAsync(portal.Url, PortalHost.AdminAddress, PortalHost.Password,
            ("overview", "admin"), ("domains", "admin/domains?new=true"), ("domain-dns", $"admin/domains/{domain}?tab=dns"), ("domain-policy", $"admin/domains/{domain}?tab=policy"), ("domain-transport", $"admin/domains/{domain}?tab=transport"),
            ("mailbox-addresses", $"admin/mailboxes/{anna.MailboxId}?tab=addresses"), ("mailbox-quota", $"admin/mailboxes/{anna.MailboxId}?tab=quota"), ("mailbox-flow", $"admin/mailboxes/{anna.MailboxId}?tab=flow"),
            ("mailboxes", "admin/mailboxes"), ("mailbox-new", "admin/mailboxes?new=true"), ("mailbox", $"admin/mailboxes/{anna.MailboxId}"), ("mailbox-sign-in", $"admin/mailboxes/{anna.MailboxId}?tab=sign-in"),
            ("mailbox-history", $"admin/mailboxes/{anna.MailboxId}?tab=history"), ("alias", $"admin/aliases?open={alias}"), ("account", $"admin/accounts?open={anna.AccountId}"), ("roles", "admin/roles"), ("role", "admin/roles/administrator"), ("about", "admin/about"), ("helpdesk-person", "helpdesk?q=anna"));
    }

    [Fact]
    public async Task A_domain_and_a_mailbox_are_made_and_the_person_signs_in_with_the_password_shown_once()
    {
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        await ada.OpenAsync("admin/domains?new=true");
        await ada.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("bücher.example");
        await ada.Page.Locator(".drawer-foot").GetByRole(AriaRole.Button, new() { Name = "Add domain" }).ClickAsync();
        await Expect(ada.Page.Locator("h1")).ToContainTextAsync("bücher.example");
        await Expect(ada.Page.Locator("main")).ToContainTextAsync("10 mx.portal.test.");

        await ada.OpenAsync("admin/mailboxes?new=true");
        await ada.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("Bo Buch");
        await ada.Page.GetByLabel("Address before the @").FillAsync("bo");
        await ada.Page.Locator(".drawer").GetByLabel("Domain").SelectOptionAsync(new SelectOptionValue { Label = "bücher.example" });
        await ada.Page.GetByLabel("A password made here").CheckAsync();
        await ada.Page.Locator(".drawer-foot").GetByRole(AriaRole.Button, new() { Name = "Create mailbox" }).ClickAsync();
        var dialog = ada.Page.Locator(".mud-dialog");
        await Expect(dialog).ToContainTextAsync("•");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Show" }).ClickAsync();
        await Expect(dialog.Locator(".secret-text")).Not.ToContainTextAsync("•");
        var password = await dialog.Locator(".secret-text").InnerTextAsync();

        using var bo = new PortalBrowser(portal);
        Assert.Equal(HttpStatusCode.Redirect, (await bo.SignInAsync("bo@bücher.example", password)).Status);
        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task A_duplicate_address_is_said_at_its_field_and_the_input_stays()
    {
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        await ada.OpenAsync("admin/mailboxes?new=true");
        await ada.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("Second Ada");
        await ada.Page.GetByLabel("Address before the @").FillAsync("ADMIN");
        await ada.Page.Locator(".drawer-foot").GetByRole(AriaRole.Button, new() { Name = "Create mailbox" }).ClickAsync();

        await Expect(ada.Page.Locator(".drawer")).ToContainTextAsync("is taken");
        await Expect(ada.Page.GetByLabel("Address before the @")).ToHaveValueAsync("ADMIN");
    }

    [Theory]
    [InlineData("admin/mailboxes?new=true", "Address before the @")]
    [InlineData("admin/domains?new=true", "Name")]
    [InlineData("admin/aliases?new=alias", "Name before the @")]
    [InlineData("admin/routes?route=new", "Name")]
    public async Task What_is_typed_in_a_drawer_survives_a_stray_Escape(string drawer, string field)
    {
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        await ada.OpenAsync(drawer);
        var input = ada.Page.Locator(".drawer").GetByLabel(field, new() { Exact = true });
        await input.PressSequentiallyAsync("typed");

        await input.PressAsync("Escape");
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(ada.Page.Locator(".mud-dialog")).ToHaveCountAsync(0);
        await Expect(input).ToHaveValueAsync("typed");

        await ada.Page.Locator(".drawer-head").GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Leave" }).ClickAsync();
        await Expect(ada.Page.Locator(".drawer")).ToHaveCountAsync(0);

        await ada.OpenAsync(drawer);
        await ada.Page.Locator(".drawer").GetByLabel(field, new() { Exact = true }).PressAsync("Escape");
        await Expect(ada.Page.Locator(".drawer")).ToHaveCountAsync(0);   // nothing typed, nothing asked
        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task What_one_administrator_does_another_sees_within_two_seconds_and_Undo_takes_it_back()
    {
        await portal.AddMailboxAsync("bert@portal.test", null, Role.Administrator);
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        await using var bert = await SignedInAsync("bert@portal.test");
        await ada.OpenAsync($"admin/mailboxes/{anna.MailboxId}");
        await bert.OpenAsync("admin/mailboxes?q=anna");
        var row = bert.Page.Locator("tbody tr").Filter(new() { HasText = "anna@portal.test" });
        await Expect(row).ToContainTextAsync("Active");

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Disable", Exact = true }).ClickAsync();
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Disable", Exact = true }).ClickAsync();
        await Expect(row).ToContainTextAsync("Disabled", new() { Timeout = 2_000 });

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(row).ToContainTextAsync("Active", new() { Timeout = 2_000 });
    }

    [Fact]
    public async Task A_deleted_alias_comes_back_by_Undo()
    {
        var (_, _, alias) = await FillAsync();
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        await ada.OpenAsync($"admin/aliases?open={alias}");
        await ada.Page.Locator(".drawer-foot").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(ada.Page.Locator("tbody")).Not.ToContainTextAsync("sales@portal.test");

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();

        await Expect(ada.Page.Locator("tbody")).ToContainTextAsync("sales@portal.test");
    }

    [Fact]
    public async Task The_audit_undoes_a_change_and_says_so_when_it_was_moved_on_meanwhile()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        var mailboxes = portal.Get<MailboxService>();
        await mailboxes.SetQuotaAsync(Actor.Operator(), anna.MailboxId, 0, 2L << 30, CancellationToken.None);
        var entry = await portal.ReadAsync(db => db.Audit.Where(a => a.Action == "mailbox.quota.set").Select(a => a.Id).SingleAsync());
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        await ada.OpenAsync($"admin/audit?entry={entry}");
        var drawer = ada.Page.Locator(".drawer");
        await Expect(drawer).ToContainTextAsync("2 GB");

        await drawer.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(ada.Page.Locator(".mud-snackbar")).ToContainTextAsync("Undone for anna@portal.test");
        Assert.Null(await portal.ReadAsync(db => db.Mailboxes.Where(m => m.Id == anna.MailboxId).Select(m => m.QuotaOverrideBytes).SingleAsync()));
        await Expect(drawer.GetByRole(AriaRole.Button, new() { Name = "Undo" })).ToHaveCountAsync(0);

        await mailboxes.SetQuotaAsync(Actor.Operator(), anna.MailboxId, 2, 3L << 30, CancellationToken.None);
        var second = await portal.ReadAsync(db => db.Audit.Where(a => a.Action == "mailbox.quota.set").MaxAsync(a => a.Id));
        await ada.OpenAsync($"admin/audit?entry={second}");
        await drawer.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await mailboxes.SetQuotaAsync(Actor.Operator(), anna.MailboxId, 3, 4L << 30, CancellationToken.None);
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(ada.Page.Locator("body")).ToContainTextAsync("It was changed since; nothing was undone.");
        Assert.Equal(4L << 30, await portal.ReadAsync(db => db.Mailboxes.Where(m => m.Id == anna.MailboxId).Select(m => m.QuotaOverrideBytes).SingleAsync()));
    }

    [Theory]
    [InlineData("summary")]
    [InlineData("quota")]
    [InlineData("history")]
    public async Task A_mailbox_shows_its_address_to_copy_under_its_name_on_every_tab(string tab)
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);

        await ada.OpenAsync($"admin/mailboxes/{anna.MailboxId}?tab={tab}");

        await Expect(ada.Page.Locator(".page-head bdi.mono")).ToHaveTextAsync("anna@portal.test");
        await Expect(ada.Page.Locator(".page-head").GetByRole(AriaRole.Button, new() { Name = "Copy" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Every_tab_of_a_mailbox_and_of_a_domain_opens_by_a_press()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        var domain = await portal.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync());
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        foreach (var path in new[] { $"admin/mailboxes/{anna.MailboxId}", $"admin/domains/{domain}" })
        {
            await ada.OpenAsync(path);
            var tabs = await ada.Page.GetByRole(AriaRole.Tab).AllAsync();
            foreach (var tab in tabs.Skip(1).Append(tabs[0]))
            {
                await tab.ClickAsync();
                await Expect(tab).ToHaveAttributeAsync("aria-selected", "true");
                await Expect(ada.Page.Locator("main .skeleton")).ToHaveCountAsync(0);
            }
        }

        Assert.Empty(ada.Faults);
    }

    [Fact]
    public async Task Many_are_disabled_by_the_filter_as_work_with_its_progress_and_rows_left_alone()
    {
        var domain = await portal.ReadAsync(db => db.Domains.SingleAsync());
        for (var i = 0; i < 130; i++) await portal.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox($"p{i:000}@{domain.Name}", "", FirstCredential.None), CancellationToken.None);
        await using var ada = await SignedInAsync(PortalHost.AdminAddress);
        await ada.OpenAsync("admin/mailboxes");
        await ada.Page.Locator("thead input[type=checkbox]").CheckAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { NameRegex = SelectAll() }).ClickAsync();
        await ada.Page.Locator(".bulk").GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await Expect(ada.Page.Locator(".mud-dialog")).ToContainTextAsync("131 mailboxes");
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();

        await Expect(ada.Page.Locator(".progress-card")).ToContainTextAsync("131 of 131", new() { Timeout = 30_000 });
        await ada.Page.Locator(".progress-card summary").ClickAsync();
        await Expect(ada.Page.Locator(".progress-card")).ToContainTextAsync("it is your own");
        Assert.Equal(130, await portal.ReadAsync(db => db.Mailboxes.CountAsync(m => m.State == MailboxState.Disabled)));
    }

    [Fact]
    public async Task Helpdesk_finds_explains_and_resets_but_cannot_touch_an_administrator()
    {
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        await portal.AddMailboxAsync("helen@portal.test", null, Role.Helpdesk);
        using (var browserOfAnna = new PortalBrowser(portal)) await browserOfAnna.SignInAsync("anna@portal.test", "not her password");
        await using var helen = await SignedInAsync("helen@portal.test");
        await helen.OpenAsync("helpdesk");
        await Expect(helen.Page.GetByLabel("Name or address")).ToBeFocusedAsync();

        await helen.Page.Keyboard.TypeAsync("anna");
        await Expect(helen.Page.Locator(".person")).ToContainTextAsync("wrong password (portal");
        await helen.Page.GetByRole(AriaRole.Button, new() { Name = "Reset password" }).ClickAsync();
        await helen.Page.Locator(".mud-dialog").GetByLabel("Reason").FillAsync("ticket 42");
        await helen.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Reset password" }).ClickAsync();
        await Expect(helen.Page.Locator(".secret-text")).ToBeVisibleAsync();
        await helen.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Show" }).ClickAsync();
        await Expect(helen.Page.Locator(".secret-text")).ToContainTextAsync("/first-password/");
        Assert.Equal("ticket 42", await portal.ReadAsync(db => db.Audit.Where(a => a.Action == "account.password.reset" && a.Target == "anna@portal.test").Select(a => a.Reason).SingleAsync()));

        await helen.OpenAsync("helpdesk?q=admin");
        await Expect(helen.Page.Locator(".person")).ToContainTextAsync("Ask an administrator");
        await Expect(helen.Page.Locator(".person").GetByRole(AriaRole.Button, new() { Name = "Reset password" })).ToHaveCountAsync(0);
        Assert.Equal(HttpStatusCode.OK, (await new PortalBrowser(portal).SignInAsync("anna@portal.test", PortalHost.Password)).Status);
    }

    [GeneratedRegex("Select all")]
    private static partial Regex SelectAll();

    private async Task<Person> SignedInAsync(string name)
    {
        var person = await browser.NewPersonAsync(portal.Url);
        await person.SignInAsync(name, PortalHost.Password);
        return person;
    }

    /// <summary>A small believable organisation.</summary>
    private async Task<(Guid Domain, CreatedMailbox Anna, Guid Alias)> FillAsync()
    {
        var domain = await portal.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync());
        var anna = await portal.AddMailboxAsync("anna.berg@portal.test", 1L << 30);
        await portal.AddMailboxAsync("王小明@portal.test", 50L << 20);
        await portal.AddMailboxAsync("helen@portal.test", null, Role.Helpdesk);
        var off = await portal.AddMailboxAsync("former.employee.with.a.rather.long.name@portal.test");
        await portal.Get<MailboxService>().DisableAsync(Actor.Operator(), off.MailboxId, CancellationToken.None);
        await portal.Get<MailboxService>().RenameAsync(Actor.Operator(), anna.MailboxId, 0, "Anna Berg", CancellationToken.None);
        await portal.Get<DomainService>().CreateAsync(Actor.Operator(), "bücher.example", domain, null, CancellationToken.None);
        using (var stranger = new PortalBrowser(portal)) await stranger.SignInAsync("anna.berg@portal.test", "not her password");
        var aliases = portal.Get<AliasService>();
        await aliases.CreateAsync(Actor.Operator(), new AliasContent { DomainId = domain, LocalPart = "Anna", MailboxId = anna.MailboxId }, CancellationToken.None);
        await aliases.CreateAsync(Actor.Operator(), new AliasContent { DomainId = domain, Targets = ["anna.berg@portal.test"] }, CancellationToken.None);
        var sales = await aliases.CreateAsync(Actor.Operator(), new AliasContent { DomainId = domain, LocalPart = "sales", Targets = ["anna.berg@portal.test", "partner@example.org"] }, CancellationToken.None);
        return (domain, anna, sales.Value);
    }
}
