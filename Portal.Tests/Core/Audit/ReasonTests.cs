using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Audit;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Core.Mailboxes;
using Portal.Tests.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Audit;

/// <summary>Why something was done stands beside what was done, and is offered again.</summary>
public class ReasonTests
{
    private static readonly Actor Administrator = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Every_dangerous_act_tells_the_audit_why(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var (mailboxes, accounts, domains) = (database.Get<MailboxService>(), database.Get<AccountService>(), database.DomainService());
        await database.QueueAsync("bo@example.org");

        Assert.True((await mailboxes.SetQuotaAsync(Administrator.Because("why 1"), anna.MailboxId, 0, 1_000, Cancel)).IsDone);
        Assert.True((await accounts.SetRolesAsync(Administrator.Because("why 2"), anna.AccountId, 0, [Role.Helpdesk], Cancel)).IsDone);
        Assert.True((await accounts.ResetPasswordAsync(Administrator.Because("why 3"), anna.AccountId, asLink: true, Cancel)).IsDone);
        Assert.True((await accounts.SignOutEverywhereAsync(Administrator.Because("why 4"), anna.AccountId, Cancel)).IsDone);
        Assert.True((await mailboxes.DisableAsync(Administrator.Because("why 5"), anna.MailboxId, Cancel)).IsDone);
        Assert.True((await mailboxes.DeleteAsync(Administrator.Because("why 6"), anna.MailboxId, Cancel)).IsDone);
        Assert.True((await domains.SetDisabledAsync(Administrator.Because("why 7"), domain, true, Cancel)).IsDone);
        Assert.True((await database.Get<QueueService>().ActAsync(Administrator.Because("why 8"), QueueAct.Delete, QueueSelection.Matching(QueueFilter.All), Cancel)).IsDone);
        Assert.True((await mailboxes.RestoreAsync(Administrator, anna.MailboxId, Cancel)).IsDone);

        var told = await database.ReadAsync(db => db.Audit.OrderBy(e => e.Id).Where(e => e.ActorId == Administrator.AccountId).Select(e => e.Action + " " + e.Reason).ToListAsync(Cancel));
        Assert.Equal(
            ["mailbox.quota.set why 1", "account.roles.set why 2", "account.password.reset why 3", "account.sessions.end why 4", "mailbox.disable why 5", "mailbox.delete why 6", "domain.disable why 7", "queue.delete why 8", "mailbox.restore "],
            told);
    }

    [Theory, BothDatabases]
    public async Task Many_mailboxes_changed_as_work_all_have_the_reason_of_the_decision(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.AddManyMailboxesAsync(domain.Id, domain.Name, MailboxBulkService.MaxRowsAtOnce + 1);

        var decided = await database.Get<MailboxBulkService>().ApplyAsync(Administrator.Because("ticket 7"), MailboxSelection.Matching(new()), new(MailboxAct.SetQuota, 5), Cancel);
        Assert.NotNull(decided.Value.WorkId);
        await database.Get<WorkRunner>().RunPendingAsync(Cancel);

        Assert.Equal(MailboxBulkService.MaxRowsAtOnce + 2, await database.ReadAsync(db => db.Audit.CountAsync(e => e.Reason == "ticket 7", Cancel)));
    }

    [Theory, BothDatabases]
    public async Task The_last_five_reasons_of_a_person_are_offered_and_nobody_elses(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var (domains, service) = (database.DomainService(), database.Get<AuditService>());
        var isDisabled = false;
        foreach (var reason in new[] { "one", "two", "three", "two", null, "four", " five ", "six", "" })
            Assert.True((await domains.SetDisabledAsync(Administrator.Because(reason), domain.Id, isDisabled = !isDisabled, Cancel)).IsDone);
        Assert.True((await domains.SetDisabledAsync(Organisation.With(Role.Administrator).Because("another's"), domain.Id, !isDisabled, Cancel)).IsDone);

        Assert.Equal(["six", "five", "four", "two", "three"], await service.RecentReasonsAsync(Administrator, Cancel));
        Assert.Empty(await service.RecentReasonsAsync(Organisation.With(Role.Helpdesk), Cancel));
        Assert.Empty(await service.RecentReasonsAsync(Actor.Operator(), Cancel));
    }

    [Theory, BothDatabases]
    public async Task A_reason_of_any_text_and_length_can_be_stored(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();

        Assert.True((await database.DomainService().SetDisabledAsync(Administrator.Because("a\0b " + new string('界', 2_000)), domain.Id, true, Cancel)).IsDone);

        var stored = await database.ReadAsync(db => db.Audit.Select(e => e.Reason).SingleAsync(Cancel));
        Assert.Equal((AuditEntry.MaxReasonLength, "a\uFFFDb 界"), (stored!.Length, stored[..5]));
    }
}
