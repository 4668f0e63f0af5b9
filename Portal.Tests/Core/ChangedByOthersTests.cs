using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core;

/// <summary>What somebody else has changed since a page was read is never overwritten unseen.</summary>
public class ChangedByOthersTests
{
    private static readonly Actor Administrator = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [BothDatabases("quota")]
    [BothDatabases("name")]
    [BothDatabases("roles")]
    [BothDatabases("domain")]
    public async Task A_save_over_an_older_version_is_refused_and_leaves_no_trace(DatabaseKind kind, string what)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var save = await SeedAsync(database, what);
        Assert.True((await save(0, 1)).IsDone);
        var (before, audited) = (await StateAsync(database), await database.AuditedActionsAsync());

        foreach (var stale in new[] { 0, 2 })
            Assert.True(Assert.IsType<Conflict>((await save(stale, 2)).Refusal).IsStale);

        Assert.Equal(before, await StateAsync(database));
        Assert.Equal(audited, await database.AuditedActionsAsync());
        Assert.True((await save(1, 2)).IsDone);
        Assert.NotEqual(before, await StateAsync(database));
    }

    [Theory]
    [BothDatabases("quota")]
    [BothDatabases("name")]
    [BothDatabases("roles")]
    [BothDatabases("domain")]
    public async Task Of_two_who_save_over_one_version_at_the_same_moment_one_is_told(DatabaseKind kind, string what)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var save = await SeedAsync(database, what);
        for (var version = 0; version < 5; version++)
        {
            var over = version;
            using var start = new Barrier(2);
            Task<Outcome> SaveAsync(int value) => Task.Run(
                () =>
                {
                    start.SignalAndWait(Cancel);
                    return save(over, value);
                }, Cancel);

            var outcomes = await Task.WhenAll(SaveAsync(2 * version + 1), SaveAsync(2 * version + 2));

            Assert.True(Assert.IsType<Conflict>(Assert.Single(outcomes, o => !o.IsDone).Refusal).IsStale);
        }
    }

    [Theory, BothDatabases]
    public async Task A_name_that_is_changed_with_the_mailbox_counts_as_a_change_of_its_account(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test");

        Assert.True((await database.Get<MailboxService>().RenameAsync(Administrator, anna.MailboxId, 0, "Anna Berg", Cancel)).IsDone);

        Assert.Equal(("Anna Berg", 1), await database.ReadAsync(async db => await db.Accounts.SingleAsync(a => a.Id == anna.AccountId, Cancel) is var a ? (a.DisplayName, a.Version) : default));
    }

    /// <summary>Something to save over a version; the value makes each save another one.</summary>
    private static async Task<Func<int, int, Task<Outcome>>> SeedAsync(TestDatabase database, string what)
    {
        var domain = await database.AddDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test");
        Role[][] roles = [[Role.Auditor], [Role.Helpdesk], [Role.Auditor, Role.Helpdesk]];
        return what switch
        {
            "quota" => (version, value) => database.Get<MailboxService>().SetQuotaAsync(Administrator, anna.MailboxId, version, 1_000 + value, Cancel),
            "name" => (version, value) => database.Get<MailboxService>().RenameAsync(Administrator, anna.MailboxId, version, $"Anna {value}", Cancel),
            "roles" => (version, value) => database.Get<AccountService>().SetRolesAsync(Administrator, anna.AccountId, version, roles[value % 3], Cancel),
            _ => (version, value) => database.DomainService().SetDefaultQuotaAsync(Administrator, domain, version, 1_000 + value, Cancel),
        };
    }

    private static async Task<string> StateAsync(TestDatabase database) => await database.ReadAsync(async db =>
    {
        var (mailbox, domain) = (await db.Mailboxes.SingleAsync(Cancel), await db.Domains.SingleAsync(Cancel));
        var roles = await db.RoleAssignments.OrderBy(r => r.Role).Select(r => r.Role).ToListAsync(Cancel);
        var account = await db.Accounts.SingleAsync(Cancel);
        return $"{mailbox.Name} {mailbox.QuotaOverrideBytes} {mailbox.Version} {domain.DefaultQuotaBytes} {domain.Version} {string.Join(',', roles)} {account.Version}";
    });
}
