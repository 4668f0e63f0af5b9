using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Localization;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Core;
using Portal.Tests.Fixtures;
using Portal.Web.Components.Layout;
using Portal.Web.Resources;

namespace Portal.Tests.Web;

/// <summary>What the palette offers, and to whom.</summary>
public class PaletteTests
{
    public PaletteTests() => CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");

    [Theory, BothDatabases]
    public async Task Actions_are_offered_to_whom_they_are_permitted_only(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        string[] everybody = ["Change password", "Sign out everywhere"];

        Assert.Equal(["Create mailbox", "Create alias", "Add domain", "Add route", "Allow or block a sender", "Find a person", .. everybody], await ActionsAsync(database, Organisation.With(Role.Administrator)));
        Assert.Equal(["Create mailbox", "Create alias", "Allow or block a sender", "Find a person", .. everybody], await ActionsAsync(database, Organisation.With(Role.Administrator, domain.Id)));
        Assert.Equal(["Find a person", .. everybody], await ActionsAsync(database, Organisation.With(Role.Helpdesk)));
        Assert.Equal(["Write a message", "Recover deleted mail", .. everybody], await ActionsAsync(database, Organisation.With(Role.User)));
        Assert.Equal(everybody, await ActionsAsync(database, Organisation.With(Role.Auditor)));
    }

    [Theory, BothDatabases]
    public async Task A_person_is_unlocked_by_their_name_and_every_action_opens_its_page(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var anna = await database.SeedMailboxAsync(await database.SeedDomainAsync(), "anna");

        var byAdministrator = Assert.Single(await FindAsync(database, Organisation.With(Role.Administrator), ">unlock anna"));
        var byHelpdesk = Assert.Single(await FindAsync(database, Organisation.With(Role.Helpdesk), "Unlock ann"), i => i.Group == "Actions");

        Assert.Equal(("Unlock sign-in of anna", $"/admin/mailboxes/{anna.Id}?tab=sign-in"), (byAdministrator.Text, byAdministrator.Href));
        Assert.Equal("/helpdesk?q=anna%40portal.test", byHelpdesk.Href);
        Assert.Equal(["Reset password of anna", "Unlock sign-in of anna"], (await FindAsync(database, Organisation.With(Role.Helpdesk), ">anna")).Select(i => i.Text));
        Assert.Empty(await FindAsync(database, Organisation.With(Role.User), ">unlock anna"));
    }

    [Theory, BothDatabases]
    public async Task An_alias_is_found_by_its_name_within_what_one_may_see(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (domain, other) = (await database.SeedDomainAsync(), await database.SeedDomainAsync("other.test"));
        var anna = await database.SeedMailboxAsync(domain, "anna");
        var chief = new Address { DomainId = domain.Id, LocalPart = "chief", Display = "Chief", MailboxId = anna.Id };
        var forwarder = new Forwarder { DomainId = domain.Id };
        await database.WriteAsync(db =>
        {
            db.Add(forwarder);
            db.Addresses.AddRange(chief, new Address { DomainId = domain.Id, LocalPart = "chiefs", Display = "chiefs", ForwarderId = forwarder.Id });
        });

        var asAdministrator = (await FindAsync(database, Organisation.With(Role.Administrator), "hief")).Where(i => i.Group == "Aliases").ToList();

        Assert.Equal(["Chief@portal.test", "chiefs@portal.test"], asAdministrator.Select(i => i.Text));
        Assert.Equal(($"/admin/aliases?open={chief.Id}", "anna@portal.test"), (asAdministrator[0].Href, asAdministrator[0].Note));
        Assert.Equal("/helpdesk?q=Chief%40portal.test", Assert.Single(await FindAsync(database, Organisation.With(Role.Helpdesk), "@chief@portal")).Href);
        Assert.DoesNotContain(await FindAsync(database, Organisation.With(Role.Administrator, other.Id), "chief"), i => i.Group == "Aliases");
        Assert.DoesNotContain(await FindAsync(database, Organisation.With(Role.User), "chief"), i => i.Group == "Aliases");
    }

    private static async Task<IEnumerable<string>> ActionsAsync(TestDatabase database, Actor actor) => (await FindAsync(database, actor, ">")).Select(i => i.Text);

    private static async Task<IReadOnlyList<PaletteItem>> FindAsync(TestDatabase database, Actor actor, string text)
    {
        using var services = new ServiceCollection().AddLogging().AddLocalization().BuildServiceProvider();
        return await new PaletteItems(database.Get<DirectorySearch>(), services.GetRequiredService<IStringLocalizer<Shell>>()).FindAsync(actor, text, CancellationToken.None);
    }
}
