using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Tests.Core;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Audit;

namespace Portal.Tests.Web.Admin;

/// <summary>The way back from an audit entry.</summary>
public class AuditUndoTests
{
    private static readonly Actor Administrator = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task What_a_mailbox_suffered_is_taken_back_once_and_audited(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, NoProbe>());
        var anna = await database.SeedMailboxAsync(await database.SeedDomainAsync(), "anna");
        await database.SeedMailboxAsync(await database.SeedDomainAsync("else.test"), "anna");
        var service = database.Get<MailboxService>();
        Func<Task<Outcome>>[] acts =
        [
            () => service.RenameAsync(Administrator, anna.Id, 0, "Anna Berg", Cancel), () => service.SetQuotaAsync(Administrator, anna.Id, 2, 5000, Cancel),
            () => service.DisableAsync(Administrator, anna.Id, Cancel), () => service.DeleteAsync(Administrator, anna.Id, Cancel),
        ];
        foreach (var act in acts)
        {
            var before = await MailboxAsync(database, anna.Id);
            Assert.True((await act()).IsDone);
            var entry = await NewestAsync(database);
            Assert.NotEqual(before, await MailboxAsync(database, anna.Id));

            var undoing = await Undo(database).FindAsync(Administrator, entry, Cancel);
            Assert.True((await undoing!(Administrator, Cancel)).IsDone, entry.Action);

            Assert.Equal(before, await MailboxAsync(database, anna.Id));
            Assert.NotEqual(entry.Id, (await NewestAsync(database)).Id);
            Assert.Null(await Undo(database).FindAsync(Administrator, entry, Cancel));   // it is so no more
        }
    }

    [Theory, BothDatabases]
    public async Task Domains_and_routes_are_switched_back(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, NoProbe>());
        var domain = await database.SeedDomainAsync();
        await database.DomainService().SetDisabledAsync(Administrator, domain.Id, true, Cancel);
        Assert.True((await (await Undo(database).FindAsync(Administrator, await NewestAsync(database), Cancel))!(Administrator, Cancel)).IsDone);
        Assert.False(await database.ReadAsync(db => db.Domains.Select(d => d.IsDisabled).SingleAsync()));
        await database.DomainService().SetDefaultQuotaAsync(Administrator, domain.Id, 2, 5000, Cancel);
        Assert.True((await (await Undo(database).FindAsync(Administrator, await NewestAsync(database), Cancel))!(Administrator, Cancel)).IsDone);
        Assert.Null(await database.ReadAsync(db => db.Domains.Select(d => d.DefaultQuotaBytes).SingleAsync()));

        foreach (var (mode, days) in new (MtaStsMode, int?)[] { (MtaStsMode.Enforce, 30), (MtaStsMode.None, null), (MtaStsMode.Testing, 2) })
        {
            await database.DomainService().SetTransportAsync(Administrator, domain.Id, await database.ReadAsync(db => db.Domains.Select(d => d.Version).SingleAsync()), mode, days, Cancel);
            await UndoneAsync(database);
            Assert.Equal((MtaStsMode.Testing, null), await database.ReadAsync(async db => await db.Domains.SingleAsync() is var d ? (d.MtaStsMode, d.MtaStsMaxAgeDays) : default));
        }

        var route = new Route { Name = "out", Host = "smart.example", Port = 587, Pattern = "" };
        await database.WriteAsync(db => db.Routes.Add(route));
        await database.Get<RouteService>().SetDisabledAsync(Administrator, route.Id, true, Cancel);
        Assert.True((await (await Undo(database).FindAsync(Administrator, await NewestAsync(database), Cancel))!(Administrator, Cancel)).IsDone);
        Assert.False(await database.ReadAsync(db => db.Routes.Select(r => r.IsDisabled).SingleAsync()));
    }

    [Theory, BothDatabases]
    public async Task An_alias_that_was_made_changed_or_deleted_is_as_it_was(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, NoProbe>());
        var domain = await database.SeedDomainAsync();
        var (anna, bo) = (await database.SeedMailboxAsync(domain, "anna"), await database.SeedMailboxAsync(domain, "bo"));
        var service = database.AliasService();
        foreach (var name in new[] { "sales", "" })
        {
            var id = (await service.CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = name, MailboxId = anna.Id }, Cancel)).Value;
            await UndoneAsync(database);
            Assert.Equal("NotFoundAlias", (await service.GetAsync(Administrator, id, Cancel)).Refusal?.Key);

            id = (await service.CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = name, MailboxId = anna.Id }, Cancel)).Value;
            await service.SetTargetAsync(Administrator, id, 0, null, ["x@example.org", "bo@portal.test"], Cancel);
            await UndoneAsync(database);
            Assert.Equal("anna@portal.test", (await service.GetAsync(Administrator, id, Cancel)).Value.Mailbox);

            await service.SetTargetAsync(Administrator, id, 2, null, ["x@example.org", "bo@portal.test"], Cancel);
            await service.DeleteAsync(Administrator, id, Cancel);
            await UndoneAsync(database);
            var back = Assert.Single((await service.SearchAsync(Administrator, new AliasQuery(), Cancel)).Value.Rows);
            Assert.Equal((name, 2), (back.LocalPart, back.Targets));

            await service.SetTargetAsync(Administrator, back.Id, 0, bo.Id, [], Cancel);
            var changed = await NewestAsync(database);
            await service.SetTargetAsync(Administrator, back.Id, 1, anna.Id, [], Cancel);
            Assert.Null(await Undo(database).FindAsync(Administrator, changed, Cancel));   // somebody has moved it on
            await service.DeleteAsync(Administrator, back.Id, Cancel);
        }
    }

    [Theory, BothDatabases]
    public async Task Roles_go_back_as_a_whole_but_never_from_one_domain_to_everywhere(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, NoProbe>());
        var domain = await database.SeedDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test", null, Role.Helpdesk);
        var service = database.Get<AccountService>();
        async Task<List<Role>> RolesAsync() => await database.ReadAsync(db => db.RoleAssignments.Where(r => r.AccountId == anna.AccountId).Select(r => r.Role).Order().ToListAsync());
        var before = await RolesAsync();

        await service.SetRolesAsync(Administrator, anna.AccountId, 0, [Role.Auditor, Role.Administrator], Cancel);
        Assert.NotEqual(before, await RolesAsync());
        await database.AddMailboxAsync("boss@portal.test", null, Role.Administrator);
        await UndoneAsync(database, "account.roles.set");
        Assert.Equal(before, await RolesAsync());

        await database.WriteAsync(db => db.RoleAssignments.Add(new RoleAssignment { AccountId = anna.AccountId, Role = Role.Administrator, DomainId = domain.Id }));
        await service.SetRolesAsync(Administrator, anna.AccountId, 2, [], Cancel);
        var entry = await NewestAsync(database);
        Assert.Contains("Administrator@portal.test", entry.Before, StringComparison.Ordinal);
        Assert.Null(await Undo(database).FindAsync(Administrator, entry, Cancel));
    }

    [Theory, BothDatabases]
    public async Task A_changed_route_is_as_it_was_unless_its_password_would_be_missing_or_go_elsewhere(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, NoProbe>());
        var service = database.Get<RouteService>();
        var draft = new RouteDraft { Name = "out", Host = "smart.example", Port = 587, Tls = RouteTls.Required, UserName = "us", Password = "secret" };
        var id = (await service.CreateAsync(Administrator, draft, Cancel)).Value;
        async Task<RouteView> NowAsync() => (await service.GetAsync(Administrator, id, Cancel)).Value;
        async Task<AuditEntry> UpdateAsync(RouteDraft to)
        {
            Assert.True((await service.UpdateAsync(Administrator, id, to, (await NowAsync()).Version, Cancel)).IsDone);
            return await NewestAsync(database);
        }

        var before = await NowAsync();
        await UpdateAsync(draft with { Name = "away", Match = RouteMatch.RecipientDomain, Pattern = "example.org", Tls = RouteTls.Implicit, Password = null });
        await UndoneAsync(database);
        Assert.Equal(before with { Version = 2 }, await NowAsync());

        var elsewhere = await UpdateAsync(draft with { Host = "other.example", Password = "other" });
        Assert.Null(await Undo(database).FindAsync(Administrator, elsewhere, Cancel));
        var without = await UpdateAsync(draft with { Host = "other.example", UserName = null, Password = "" });
        Assert.Null(await Undo(database).FindAsync(Administrator, without, Cancel));
        await UpdateAsync(draft with { Host = "third.example", UserName = null, Password = null });
        var older = await NewestAsync(database);
        await UpdateAsync(draft with { Host = "fourth.example", UserName = null, Password = null });
        Assert.Null(await Undo(database).FindAsync(Administrator, older, Cancel));
        await UndoneAsync(database);
        Assert.Equal("third.example", (await NowAsync()).Host);
    }

    [Theory, BothDatabases]
    public async Task What_was_changed_since_or_is_not_theirs_to_do_has_no_way_back(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, NoProbe>());
        var (domain, other) = (await database.SeedDomainAsync(), await database.SeedDomainAsync("other.test"));
        var anna = await database.SeedMailboxAsync(domain, "anna");
        var service = database.Get<MailboxService>();
        await service.SetQuotaAsync(Administrator, anna.Id, 0, 5000, Cancel);
        var entry = await NewestAsync(database);

        foreach (var nobody in new[] { Organisation.With(Role.Auditor), Organisation.With(Role.Helpdesk), Organisation.With(Role.Administrator, other.Id) })
            Assert.Null(await Undo(database).FindAsync(nobody, entry, Cancel));
        Assert.NotNull(await Undo(database).FindAsync(Organisation.With(Role.Administrator, domain.Id), entry, Cancel));

        await service.SetQuotaAsync(Administrator, anna.Id, 1, 6000, Cancel);
        Assert.Null(await Undo(database).FindAsync(Administrator, entry, Cancel));
    }

    /// <summary>Undoes the newest act, or the newest of a kind.</summary>
    private static async Task UndoneAsync(TestDatabase database, string? action = null)
    {
        var entry = await database.ReadAsync(db => db.Audit.AsNoTracking().Where(a => action == null || a.Action == action).OrderByDescending(a => a.Id).FirstAsync());
        var undoing = await Undo(database).FindAsync(Administrator, entry, Cancel);
        Assert.True(undoing is not null, entry.Action);
        var outcome = await undoing(Administrator, Cancel);
        Assert.True(outcome.IsDone, $"{entry.Action}: {outcome.Refusal?.Key}");
        Assert.Null(await Undo(database).FindAsync(Administrator, entry, Cancel));   // it is so no more
    }

    private static AuditUndo Undo(TestDatabase database) => new(
        database.MailboxList(), database.Get<MailboxService>(), database.DomainService(), new RouteUndo(database.Get<RouteService>()), new AliasUndo(database.AliasService(), database.MailboxList()),
        new RoleUndo(database.Get<AccountListService>(), database.Get<AccountService>()));

    private static Task<AuditEntry> NewestAsync(TestDatabase database) => database.ReadAsync(db => db.Audit.AsNoTracking().OrderByDescending(a => a.Id).FirstAsync());

    private static Task<(string, long?, MailboxState)> MailboxAsync(TestDatabase database, Guid id) =>
        database.ReadAsync(async db => await db.Mailboxes.AsNoTracking().SingleAsync(m => m.Id == id) is var m ? (m.Name, m.QuotaOverrideBytes, m.State) : default);
}
