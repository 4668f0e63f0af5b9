using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core;
using Portal.Core.Audit;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
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
            () => service.RenameAsync(Administrator, anna.Id, "Anna Berg", Cancel), () => service.SetQuotaAsync(Administrator, anna.Id, 5000, Cancel),
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
        await database.DomainService().SetDefaultQuotaAsync(Administrator, domain.Id, 5000, Cancel);
        Assert.True((await (await Undo(database).FindAsync(Administrator, await NewestAsync(database), Cancel))!(Administrator, Cancel)).IsDone);
        Assert.Null(await database.ReadAsync(db => db.Domains.Select(d => d.DefaultQuotaBytes).SingleAsync()));

        var route = new Route { Name = "out", Host = "smart.example", Port = 587, Pattern = "" };
        await database.WriteAsync(db => db.Routes.Add(route));
        await database.Get<RouteService>().SetDisabledAsync(Administrator, route.Id, true, Cancel);
        Assert.True((await (await Undo(database).FindAsync(Administrator, await NewestAsync(database), Cancel))!(Administrator, Cancel)).IsDone);
        Assert.False(await database.ReadAsync(db => db.Routes.Select(r => r.IsDisabled).SingleAsync()));
    }

    [Theory, BothDatabases]
    public async Task What_was_changed_since_or_is_not_theirs_to_do_has_no_way_back(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, services => services.AddSingleton<IRouteProbe, NoProbe>());
        var (domain, other) = (await database.SeedDomainAsync(), await database.SeedDomainAsync("other.test"));
        var anna = await database.SeedMailboxAsync(domain, "anna");
        var service = database.Get<MailboxService>();
        await service.SetQuotaAsync(Administrator, anna.Id, 5000, Cancel);
        var entry = await NewestAsync(database);

        foreach (var nobody in new[] { Organisation.With(Role.Auditor), Organisation.With(Role.Helpdesk), Organisation.With(Role.Administrator, other.Id) })
            Assert.Null(await Undo(database).FindAsync(nobody, entry, Cancel));
        Assert.NotNull(await Undo(database).FindAsync(Organisation.With(Role.Administrator, domain.Id), entry, Cancel));

        await service.SetQuotaAsync(Administrator, anna.Id, 6000, Cancel);
        Assert.Null(await Undo(database).FindAsync(Administrator, entry, Cancel));
    }

    private static AuditUndo Undo(TestDatabase database) => new(database.MailboxList(), database.Get<MailboxService>(), database.DomainService(), database.Get<RouteService>());

    private static Task<AuditEntry> NewestAsync(TestDatabase database) => database.ReadAsync(db => db.Audit.AsNoTracking().OrderByDescending(a => a.Id).FirstAsync());

    private static Task<(string, long?, MailboxState)> MailboxAsync(TestDatabase database, Guid id) =>
        database.ReadAsync(async db => await db.Mailboxes.AsNoTracking().SingleAsync(m => m.Id == id) is var m ? (m.Name, m.QuotaOverrideBytes, m.State) : default);

    /// <summary>Nothing here tests a route.</summary>
    private sealed class NoProbe : IRouteProbe
    {
        public Task<RouteProbeResult> ProbeAsync(Route route, string? password, CancellationToken cancel) => throw new NotSupportedException();
    }
}
