using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Mailboxes;

public class MailboxBulkServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_few_are_done_at_once_each_audited_by_itself(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var (anna, bo) = (await database.SeedMailboxAsync(domain, "anna"), await database.SeedMailboxAsync(domain, "bo"));

        var result = (await database.Get<MailboxBulkService>().ApplyAsync(Administrator, MailboxSelection.Of(anna.Id, bo.Id), new(MailboxAct.SetQuota, 5_000), Cancel)).Value;

        Assert.Equal((2, null), (result.Done, result.WorkId));
        Assert.Equal([5_000, 5_000], await database.ReadAsync(db => db.Mailboxes.Select(m => m.QuotaOverrideBytes!.Value).ToListAsync(Cancel)));
        Assert.Equal(["mailbox.quota.set anna@portal.test", "mailbox.quota.set bo@portal.test"], (await database.AuditedActionsAsync()).Order());
    }

    [Theory, BothDatabases]
    public async Task Those_that_were_right_already_are_not_among_the_changed(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var (anna, bo) = (await database.SeedMailboxAsync(domain, "anna"), await database.SeedMailboxAsync(domain, "bo"));
        var bulk = database.Get<MailboxBulkService>();
        await bulk.ApplyAsync(Administrator, MailboxSelection.Of(bo.Id), new(MailboxAct.Disable), Cancel);

        var result = (await bulk.ApplyAsync(Administrator, MailboxSelection.Of(anna.Id, bo.Id), new(MailboxAct.Disable), Cancel)).Value;

        Assert.Equal(2, result.Done);
        Assert.Equal([anna.Id], result.Changed);
    }

    [Theory, BothDatabases]
    public async Task Many_become_work_that_goes_on_where_it_was_and_leaves_people_of_higher_rank_alone(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.AddManyMailboxesAsync(domain.Id, domain.Name, 450);
        var boss = await database.AddMailboxAsync("boss@portal.test", null, Role.Administrator);
        var scoped = With(Role.Administrator, domain.Id);
        var bulk = database.Get<MailboxBulkService>();
        var everything = MailboxSelection.Matching(new MailboxQuery());

        Assert.Equal(new MailboxBulkPreview(451, 1), (await bulk.PreviewAsync(scoped, everything, new(MailboxAct.Disable), Cancel)).Value);
        var work = (await bulk.ApplyAsync(scoped, everything, new(MailboxAct.Disable), Cancel)).Value.WorkId!.Value;
        Assert.Equal(WorkState.Pending, (await database.Get<WorkService>().GetAsync(scoped, work, Cancel)).Value.State);
        await database.Get<WorkRunner>().RunPendingAsync(Cancel);

        var progress = (await database.Get<WorkService>().GetAsync(scoped, work, Cancel)).Value;
        Assert.Equal((WorkState.Done, 451, 451), (progress.State, progress.Done, progress.Total));
        Assert.Equal(new WorkRefusal("boss@portal.test", nameof(NotPermitted)), Assert.Single(progress.Refused));
        Assert.Equal(boss.MailboxId, Assert.Single(await database.ReadAsync(db => db.Mailboxes.Where(m => m.State == MailboxState.Active).Select(m => m.Id).ToListAsync(Cancel))));
    }

    [Theory, BothDatabases]
    public async Task Nobody_shuts_themselves_out_and_what_is_outside_the_scope_is_not_reached(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var other = await database.SeedDomainAsync("other.test");
        var theirs = await database.SeedMailboxAsync(other, "bo");
        var own = await database.AddMailboxAsync("ada@portal.test");
        var ada = Actor.ForAccount(own.AccountId, "ada@portal.test", [new HeldRole(Role.Administrator, new Scope(domain.Id))], Channel.Portal, null);

        var result = (await database.Get<MailboxBulkService>().ApplyAsync(ada, MailboxSelection.Of(own.MailboxId, theirs.Id), new(MailboxAct.Disable), Cancel)).Value;

        Assert.Equal((0, "OwnMailbox"), (result.Done, Assert.Single(result.Refused).Key));
        Assert.All(await database.ReadAsync(db => db.Mailboxes.ToListAsync(Cancel)), m => Assert.Equal(MailboxState.Active, m.State));
    }

    [Theory, BothDatabases]
    public async Task A_quota_below_zero_is_refused(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        Assert.Equal("QuotaNegative", (await database.Get<MailboxBulkService>().ApplyAsync(Administrator, MailboxSelection.Matching(new()), new(MailboxAct.SetQuota, -1), Cancel)).Refusal?.Key);
    }

    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "")]
    [BothDatabases(Role.Administrator, "PreviewAsync ApplyAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.AddManyMailboxesAsync(domain.Id, domain.Name, 101);
        var bulk = database.Get<MailboxBulkService>();
        var actor = With(role);
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["PreviewAsync"] = async () => await bulk.PreviewAsync(actor, MailboxSelection.Matching(new()), new(MailboxAct.SetQuota), Cancel),
            ["ApplyAsync"] = async () => await bulk.ApplyAsync(actor, MailboxSelection.Matching(new()), new(MailboxAct.Disable), Cancel),
        };

        await PermissionMatrix.CheckAsync<MailboxBulkService>(calls, allowed);
    }
}
