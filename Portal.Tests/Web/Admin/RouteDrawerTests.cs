using Bunit;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Addresses;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Core;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Routes;

namespace Portal.Tests.Web.Admin;

/// <summary>A route that was saved, and the way back from it.</summary>
public class RouteDrawerTests
{
    private static readonly Actor Administrator = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_is_taken_back_and_the_stored_password_stays()
    {
        await using var database = await DatabaseAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var before = await CreateAsync(database);
        var drawer = bed.Render<RouteDrawer>(p => p.Add(d => d.Route, before));
        await TypeAsync(drawer, 0, "outgoing");
        await SaveAsync(drawer);
        Assert.Equal("outgoing", Assert.Single(await RoutesAsync(database)).Name);

        await UndoAsync(bed);

        Assert.Equal(before with { Version = 2 }, Assert.Single(await RoutesAsync(database)));
    }

    [Fact]
    public async Task Where_a_password_was_replaced_there_is_no_way_back()
    {
        await using var database = await DatabaseAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var before = await CreateAsync(database);
        var drawer = bed.Render<RouteDrawer>(p => p.Add(d => d.Route, before));
        await drawer.Find("input[type=password]").InputAsync(new() { Value = "another" });
        await SaveAsync(drawer);

        await bed.Corner.WaitForAssertionAsync(() => Assert.Contains("is saved", bed.Corner.Markup, StringComparison.Ordinal));
        Assert.DoesNotContain(bed.Corner.FindAll("button"), b => b.TextContent.Trim() == "Undo");
    }

    [Fact]
    public async Task A_new_one_is_gone_again()
    {
        await using var database = await DatabaseAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var drawer = bed.Render<RouteDrawer>(p => p.Add(d => d.IsNew, true));
        await TypeAsync(drawer, 0, "out");
        await TypeAsync(drawer, 1, "smart.example");
        await SaveAsync(drawer);
        Assert.Single(await RoutesAsync(database));

        await UndoAsync(bed);

        Assert.Empty(await RoutesAsync(database));
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, services => services.AddSingleton<IRouteProbe, NoProbe>());
        await database.AddDomainAsync();
        return database;
    }

    /// <summary>One with a password, as it is read.</summary>
    private static async Task<RouteView> CreateAsync(TestDatabase database)
    {
        var draft = new RouteDraft { Name = "out", Host = "smart.example", Port = 587, Tls = RouteTls.Required, UserName = "portal", Password = "given" };
        Assert.True((await database.Get<RouteService>().CreateAsync(Administrator, draft, Cancel)).IsDone);
        return Assert.Single(await RoutesAsync(database));
    }

    private static async Task<IReadOnlyList<RouteView>> RoutesAsync(TestDatabase database) => (await database.Get<RouteService>().ListAsync(Administrator, Cancel)).Value;

    /// <summary>Types into a text of the form: 0 is the name, 1 the host.</summary>
    private static Task TypeAsync(IRenderedComponent<RouteDrawer> drawer, int text, string value) => drawer.FindAll(".form-text input")[text].InputAsync(new() { Value = value });

    private static Task SaveAsync(IRenderedComponent<RouteDrawer> drawer) => drawer.Find("[type=submit]").ClickAsync(new());

    private static async Task UndoAsync(PageBed bed)
    {
        await bed.Corner.WaitForAssertionAsync(() => Assert.Contains(bed.Corner.FindAll("button"), b => b.TextContent.Trim() == "Undo"));
        await bed.Corner.FindAll("button").Single(b => b.TextContent.Trim() == "Undo").ClickAsync(new());
        await bed.Corner.WaitForAssertionAsync(() => Assert.Contains("Undone.", bed.Corner.Markup, StringComparison.Ordinal));
    }
}
