using Bunit;
using Portal.Core.Policies;
using Portal.Tests.Core;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Connections;

namespace Portal.Tests.Web.Admin;

/// <summary>The checks of senders on the page Connections, on the services and a database of their own.</summary>
public sealed class SenderChecksTests
{
    [Fact]
    public async Task It_tells_how_the_checks_are_followed_and_changes_it()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.SeedDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var page = bed.Render<SenderChecks>();
        page.WaitForAssertion(() => Assert.Contains("As the author's domain asks", page.Markup, StringComparison.Ordinal));
        Assert.Contains("Have the sender try again later", page.Markup, StringComparison.Ordinal);

        page.Find("button[data-edit]").Click();
        page.WaitForElement("form");
        await page.FindAll("form select")[1].ChangeAsync(new() { Value = "Junk" });
        page.FindAll("form textarea")[^1].Input("Lists.example");
        page.FindAll("form button").First(b => b.TextContent.Contains("Save", StringComparison.Ordinal)).Click();

        page.WaitForAssertion(() => Assert.Contains("lists.example", page.Find("dl").TextContent, StringComparison.Ordinal));
        var saved = await database.Get<CurrentPolicy<SenderPolicy>>().GetAsync(CancellationToken.None);
        Assert.Equal((SenderTreatment.Junk, "lists.example"), (saved.OnSpfFail, Assert.Single(saved.TrustedSealers)));
    }

    [Fact]
    public async Task What_is_no_domain_is_said_at_its_field()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.SeedDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var page = bed.Render<SenderChecks>();
        page.WaitForElement("button[data-edit]").Click();
        page.WaitForElement("form");
        page.FindAll("form button").First(b => b.TextContent.Contains("Add an exception", StringComparison.Ordinal)).Click();
        page.Find("fieldset input").Input("no domain");
        page.FindAll("form button").First(b => b.TextContent.Contains("Save", StringComparison.Ordinal)).Click();

        page.WaitForAssertion(() => Assert.Contains("no domain", page.Find("fieldset .error").TextContent, StringComparison.Ordinal));
        Assert.DoesNotContain(await database.AuditedActionsAsync(), a => a.StartsWith("policy.", StringComparison.Ordinal));
    }
}
