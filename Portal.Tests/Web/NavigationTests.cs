using System.Reflection;
using Microsoft.AspNetCore.Components;
using Portal.Core.Permissions;
using Portal.Web.Components.Layout;

namespace Portal.Tests.Web;

/// <summary>The one table of pages and the pages themselves agree.</summary>
public class NavigationTests
{
    private static readonly IReadOnlyList<(Type Page, string Route)> Pages =
        [.. typeof(Navigation).Assembly.GetTypes().SelectMany(t => t.GetCustomAttributes<RouteAttribute>().Select(r => (t, r.Template)))];

    [Fact]
    public void Every_entry_has_its_page() =>
        Assert.All(Navigation.Entries, entry => Assert.Contains(Pages, p => p.Route == entry.Href));

    [Fact]
    public void Every_entry_asks_for_what_its_page_asks_for() =>
        Assert.All(Navigation.Entries, entry =>
        {
            var page = Pages.First(p => p.Route == entry.Href).Page;
            var asked = page.GetCustomAttribute<Portal.Web.Security.RequiresAttribute>()?.AnyOf ?? [];

            Assert.True(entry.Requires.Length == 0 ? asked.Count == 0 : entry.Requires.All(asked.Contains) && asked.All(entry.Requires.Contains), $"{entry.Href}: menu {string.Join(',', entry.Requires)}, page {string.Join(',', asked)}");
        });

    [Fact]
    public void Every_page_of_an_area_is_reached_from_the_menu()
    {
        string[] areas = ["/admin", "/helpdesk", "/reports", "/mail", "/account"];
        var lost = Pages.Where(p => areas.Any(a => p.Route == a || p.Route.StartsWith(a + "/", StringComparison.Ordinal)))
            .Where(p => Navigation.EntryOf(p.Route) is null).Select(p => p.Route);

        Assert.Empty(lost);
    }

    [Fact]
    public void Addresses_and_keys_are_told_once()
    {
        Assert.Equal(Navigation.Entries.Count, Navigation.Entries.Select(e => e.Href).Distinct().Count());
        Assert.Equal(Navigation.Entries.Count, Navigation.Entries.Select(e => e.Key).Distinct().Count());
    }

    [Theory]
    [InlineData(Role.Administrator, "/admin")]
    [InlineData(Role.Helpdesk, "/helpdesk")]
    [InlineData(Role.Auditor, "/reports/audit")]
    [InlineData(Role.User, "/mail")]
    public void Each_role_begins_in_its_area(Role role, string start) => Assert.Equal(start, Navigation.StartOf(Holder(role)));

    [Fact]
    public void A_user_sees_nothing_of_the_administration() =>
        Assert.DoesNotContain(Navigation.For(Holder(Role.User)), e => e.Area is Area.Admin or Area.Helpdesk or Area.Reports);

    [Fact]
    public void Several_roles_switch_between_their_areas_in_order() =>
        Assert.Equal([Area.Admin, Area.Helpdesk, Area.Reports, Area.Mail], Navigation.AreasOf(Holder(Role.User, Role.Administrator, Role.Auditor, Role.Helpdesk)));

    [Theory]
    [InlineData("/admin/mailboxes/0193", "/admin/mailboxes")]
    [InlineData("/admin", "/admin")]
    [InlineData("/admin/nowhere", "/admin")]
    [InlineData("/sign-in", null)]
    public void A_path_belongs_to_the_longest_entry_that_begins_it(string path, string? entry) => Assert.Equal(entry, Navigation.EntryOf(path)?.Href);

    private static Actor Holder(params Role[] roles) =>
        Actor.ForAccount(Guid.CreateVersion7(), "someone@portal.test", [.. roles.Select(r => new HeldRole(r, Scope.Everything))], Channel.Portal, null);
}
