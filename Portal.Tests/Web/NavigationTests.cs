using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Components;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;
using Portal.Tests.Web.Mail;
using Portal.Web.Components.Layout;

namespace Portal.Tests.Web;

/// <summary>The one table of pages and the pages themselves agree.</summary>
public partial class NavigationTests
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
            var requires = page.GetCustomAttribute<Portal.Web.Security.RequiresAttribute>();
            var asked = requires?.AnyOf ?? [];

            Assert.True(entry.Requires.Length == 0 ? asked.Count == 0 : entry.Requires.All(asked.Contains) && asked.All(entry.Requires.Contains), $"{entry.Href}: menu {string.Join(',', entry.Requires)}, page {string.Join(',', asked)}");
            Assert.Equal(entry.Everywhere, requires?.Everywhere ?? false);
        });

    [Fact]
    public void Every_page_of_an_area_is_reached_from_the_menu()
    {
        string[] areas = ["/admin", "/helpdesk", "/reports", "/mail", "/account"];
        var lost = Pages.Where(p => areas.Any(a => p.Route == a || p.Route.StartsWith(a + "/", StringComparison.Ordinal)))
            .Where(p => Navigation.EntryOf(p.Route) is null).Select(p => p.Route);

        Assert.Empty(lost);
    }

    [Theory]
    [InlineData("en")]
    [InlineData("zh-Hans")]
    public async Task No_page_says_the_same_twice_on_the_way_to_its_heading(string language)
    {
        await using var portal = await PortalHost.StartAsync();
        var anna = await portal.AddMailboxAsync("anna@portal.test", null, Role.Administrator, Role.Helpdesk, Role.Auditor);
        var item = await portal.DeliverAsync(anna.MailboxId, "Subject: x\n\nhello\n");
        var queueId = await portal.ReadAsync(db => db.Messages.Select(m => m.QueueId).FirstAsync());
        await portal.ReadAsync(async db =>
        {
            using var turn = await portal.Get<WriteGate>().EnterAsync(CancellationToken.None);
            db.Traces.Add(new MessageTrace { QueueId = queueId, At = DateTimeOffset.UtcNow, ReversePath = "carl@example.org" });
            return await db.SaveChangesAsync();
        });
        var domain = await portal.ReadAsync(db => db.Domains.Select(d => d.Id).FirstAsync());
        var folder = await portal.ReadAsync(db => db.Folders.Where(f => f.MailboxId == anna.MailboxId).Select(f => f.Id).FirstAsync());
        using var browser = new PortalBrowser(portal);
        browser.Http.DefaultRequestHeaders.AcceptLanguage.Clear();
        browser.Http.DefaultRequestHeaders.AcceptLanguage.ParseAdd(language);
        await browser.SignInAsync("anna@portal.test", PortalHost.Password);

        var looked = 0;
        foreach (var route in Pages.Select(p => p.Route).Where(r => Navigation.EntryOf(r) is not null))
        {
            var path = route.Replace("mailboxes/{Id:guid}", $"mailboxes/{anna.MailboxId}", StringComparison.Ordinal).Replace("domains/{Id:guid}", $"domains/{domain}", StringComparison.Ordinal)
                .Replace("roles/{Name}", "roles/helpdesk", StringComparison.Ordinal)
                .Replace("{QueueId:guid}", queueId.ToString(), StringComparison.Ordinal).Replace("{ItemId:long}", $"{item}", StringComparison.Ordinal).Replace("{FolderId:long}", $"{folder}", StringComparison.Ordinal);
            var (status, page, _) = await browser.GetAsync(path.TrimStart('/'));
            Assert.True(status == HttpStatusCode.OK, $"{path}: {status}");

            if (Crumbs().Match(page) is not { Success: true } crumbs) continue;
            looked++;
            List<string> trail = [.. Crumb().Matches(crumbs.Value).Select(m => m.Groups["text"].Value)];
            var heading = Tag().Replace(Heading().Match(page).Groups["text"].Value, "").Trim();
            for (var i = 1; i < trail.Count; i++) Assert.True(trail[i] != trail[i - 1], $"{path}: {string.Join(" › ", trail)}");
            Assert.True(trail[^1] != heading, $"{path}: {string.Join(" › ", trail)} › {heading}");
        }

        Assert.InRange(looked, 12, 100);
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

    [GeneratedRegex("<nav class=\"crumbs\".*?</nav>", RegexOptions.Singleline)]
    private static partial Regex Crumbs();

    [GeneratedRegex("<(?:span|a)[^>]*>(?<text>[^<]+)</")]
    private static partial Regex Crumb();

    [GeneratedRegex("<h1[^>]*>(?<text>.*?)</h1>", RegexOptions.Singleline)]
    private static partial Regex Heading();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    private static Actor Holder(params Role[] roles) =>
        Actor.ForAccount(Guid.CreateVersion7(), "someone@portal.test", [.. roles.Select(r => new HeldRole(r, Scope.Everything))], Channel.Portal, null);
}
