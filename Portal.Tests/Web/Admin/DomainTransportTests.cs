using Bunit;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Core;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Domains;

namespace Portal.Tests.Web.Admin;

/// <summary>The tab Transport of a domain, on the services and a database of their own.</summary>
public sealed class DomainTransportTests
{
    private static readonly Actor Other = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_shows_the_policy_as_senders_read_it_and_where_they_do()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await database.AddDomainAsync("bücher.example");
        await using var bed = await PageBed.CreateAsync(database);
        var tab = await OpenAsync(database, bed, "xn--bcher-kva.example");

        Assert.Equal("version: STSv1\nmode: testing\nmx: mx.portal.test\nmax_age: 86400\n", tab.Find("pre").TextContent);
        Assert.Contains("https://mta-sts.xn--bcher-kva.example/.well-known/mta-sts.txt", tab.Markup, StringComparison.Ordinal);
        Assert.Contains(new MtaStsPolicy(MtaStsMode.Testing, 1, "mx.portal.test").Id, tab.Markup, StringComparison.Ordinal);
        Assert.Contains("1 day", Facts(tab), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_mode_and_days_are_set_told_of_and_undone(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var tab = await OpenAsync(database, bed);
        await tab.Find("[data-edit]").ClickAsync(new());

        await tab.Find("select").ChangeAsync(new() { Value = "Enforce" });
        Assert.Contains("empty means 7", tab.Find("form").TextContent, StringComparison.Ordinal);
        await tab.Find("form input").InputAsync(new() { Value = " 30 " });
        await tab.Find("[type=submit]").ClickAsync(new());

        Assert.Empty(tab.FindAll("form"));
        Assert.Equal((MtaStsMode.Enforce, 30), await StateAsync(database));
        await bed.Corner.WaitForAssertionAsync(() => Assert.Contains("TLS policy changed. Publish its new record next.", bed.Corner.Markup, StringComparison.Ordinal));
        await bed.Corner.FindAll("button").First(b => b.TextContent.Trim() == "Undo").ClickAsync(new());
        await bed.Corner.WaitForAssertionAsync(() => Assert.Contains("Undone", bed.Corner.Markup, StringComparison.Ordinal));
        Assert.Equal((MtaStsMode.Testing, null), await StateAsync(database));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("366")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("ten")]
    public async Task Days_that_are_none_are_told_at_their_field_and_nothing_is_saved(string days)
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var tab = await OpenAsync(database, bed);
        await tab.Find("[data-edit]").ClickAsync(new());

        await tab.Find("form input").InputAsync(new() { Value = days });
        await tab.Find("[type=submit]").ClickAsync(new());

        Assert.Contains("Write a number of days from 1 to 365.", tab.Find("form").TextContent, StringComparison.Ordinal);
        Assert.Equal((MtaStsMode.Testing, null), await StateAsync(database));
    }

    [Fact]
    public async Task What_somebody_else_made_of_it_meanwhile_is_shown_beside()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var tab = await OpenAsync(database, bed);
        await tab.Find("[data-edit]").ClickAsync(new());
        var id = await database.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync(Cancel));
        Assert.True((await database.Get<DomainService>().SetTransportAsync(Other, id, 0, MtaStsMode.None, null, Cancel)).IsDone);

        await tab.Find("select").ChangeAsync(new() { Value = "Enforce" });
        var saving = tab.Find("[type=submit]").ClickAsync(new());

        Assert.Equal(["TLS to our mail host | Enforced | None"], bed.Compared());
        bed.Press("Keep theirs");
        await saving;
        Assert.Equal((MtaStsMode.None, null), await StateAsync(database));
    }

    [Fact]
    public async Task A_policy_that_is_taken_back_says_until_when_and_one_that_never_was_says_so()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var id = await database.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync(Cancel));
        await database.Get<DomainService>().SetTransportAsync(Other, id, 0, MtaStsMode.None, null, Cancel);

        var tab = await OpenAsync(database, bed);
        Assert.StartsWith("version: STSv1\nmode: none", tab.Find("pre").TextContent, StringComparison.Ordinal);
        Assert.Contains("2026-11-25", tab.Markup, StringComparison.Ordinal);
        database.Clock.Advance(TimeSpan.FromDays(2));

        Assert.Contains("No policy is served, and none is needed.", (await OpenAsync(database, bed)).Markup, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disabled_domain_serves_none()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        await database.Get<DomainService>().SetDisabledAsync(Other, await database.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync(Cancel)), true, Cancel);

        Assert.Equal("While the domain is disabled, its policy is not served.", (await OpenAsync(database, bed)).Find(".notice").TextContent);
    }

    private static string Facts(IRenderedComponent<DomainTransport> tab) => tab.FindAll(".facts")[0].TextContent;

    private static async Task<IRenderedComponent<DomainTransport>> OpenAsync(TestDatabase database, PageBed bed, string name = "portal.test")
    {
        var domain = (await database.Get<DomainService>().FindAsync(Other, name, Cancel)).Value;
        return bed.Render<DomainTransport>(p => p.Add(t => t.Domain, domain));
    }

    private static Task<(MtaStsMode, int?)> StateAsync(TestDatabase database) =>
        database.ReadAsync(async db => await db.Domains.SingleAsync(Cancel) is var d ? (d.MtaStsMode, d.MtaStsMaxAgeDays) : default);
}
