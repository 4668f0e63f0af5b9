using System.Net;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Roles;

namespace Portal.Tests.Web.Admin;

public class RolesPageTests
{
    [Fact]
    public void Every_capability_stands_in_one_area() =>
        Assert.Equal(Enum.GetValues<Capability>().Order(), RoleReach.Areas.SelectMany(a => a.Capabilities).Order());

    [Theory]
    [InlineData(Role.User, "None None None None Own None None")]
    [InlineData(Role.Auditor, "None None None None None Audit None")]
    [InlineData(Role.Helpdesk, "See Reset One None None None None")]
    [InlineData(Role.Administrator, "Change Reset All All Quarantine All All")]
    public void What_a_role_reaches_is_told_from_its_capabilities(Role role, string answers) =>
        Assert.Equal(answers, string.Join(' ', RoleReach.Of(role).Select(r => r.Answer)));

    [Fact]
    public async Task Roles_are_listed_and_one_tells_what_it_reaches_and_who_holds_it()
    {
        await using var portal = await PortalHost.StartAsync();
        var anna = await portal.AddMailboxAsync("anna@portal.test", null, Role.Helpdesk);
        using var ada = new PortalBrowser(portal);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        var list = (await ada.GetAsync("admin/roles")).Text;
        Assert.All(RoleService.All, role => Assert.Contains($"href=\"/admin/roles/{role}\"", list, StringComparison.Ordinal));
        Assert.Contains("Finds people, resets passwords and unlocks.", list, StringComparison.Ordinal);

        var helpdesk = (await ada.GetAsync("admin/roles/helpdesk")).Text;
        Assert.Contains("Reset passwords, unlock accounts, end sessions", helpdesk, StringComparison.Ordinal);
        Assert.DoesNotContain("Set quotas", helpdesk, StringComparison.Ordinal);
        Assert.Contains("Nobody's mail", WebUtility.HtmlDecode(helpdesk), StringComparison.Ordinal);

        Assert.Contains($"/admin/accounts?open={anna.AccountId}", helpdesk, StringComparison.Ordinal);
        Assert.Contains("Everywhere", helpdesk, StringComparison.Ordinal);
        Assert.Equal(1, helpdesk.Split("/admin/accounts?open=").Length - 1);

        Assert.Contains("There is no such role.", (await ada.GetAsync("admin/roles/3")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_gives_no_roles_everywhere_finds_neither_page_nor_entry()
    {
        await using var portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("help@portal.test", null, Role.Helpdesk);
        var local = await portal.AddMailboxAsync("local@portal.test");
        var domain = await portal.ReadAsync(db => Task.FromResult(db.Set<Domain>().Select(d => d.Id).First()));
        await portal.ReadAsync(async db =>
        {
            using var turn = await portal.Get<WriteGate>().EnterAsync(CancellationToken.None);
            db.RoleAssignments.Add(new RoleAssignment { AccountId = local.AccountId, Role = Role.Administrator, DomainId = domain });
            return await db.SaveChangesAsync();
        });

        foreach (var name in new[] { "help@portal.test", "local@portal.test" })
        {
            using var person = new PortalBrowser(portal);
            await person.SignInAsync(name, PortalHost.Password);

            Assert.DoesNotContain("/admin/roles", (await person.GetAsync("")).Text, StringComparison.Ordinal);
            foreach (var path in new[] { "admin/roles", "admin/roles/helpdesk" })
                Assert.DoesNotContain("Finds people", (await person.GetAsync(path)).Text, StringComparison.Ordinal);
        }
    }
}
