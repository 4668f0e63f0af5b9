using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class PersonalMailTests
{
    private static readonly Actor Helpdesk = TraceRows.With(Role.Helpdesk);

    [Theory, BothDatabases]
    public async Task What_came_and_went_by_any_name_is_told_newest_first_with_its_cause(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.SeedDomainAsync("portal.example", domain.Id);
        var anna = await database.SeedMailboxAsync(domain, "anna");
        await database.WriteAsync(db => db.Addresses.Add(new Address { DomainId = domain.Id, LocalPart = "chief", Display = "Chief", MailboxId = anna.Id }));
        await database.WriteAsync(TraceRows.At(TestDatabase.Start.AddMinutes(-9), "x@example.org"), ("bo@portal.test", RecipientOutcome.Delivered));
        await database.WriteAsync(TraceRows.At(TestDatabase.Start.AddMinutes(-4), "y@example.org"), ("bo@portal.test", RecipientOutcome.Delivered), ("chief@portal.example", RecipientOutcome.Delivered));
        await database.WriteAsync(TraceRows.At(TestDatabase.Start.AddMinutes(-3), ""), ("anna@portal.test", RecipientOutcome.Delivered));
        var refused = TraceRows.At(TestDatabase.Start.AddMinutes(-2), "z@example.org", TraceOutcome.Refused);
        await database.WriteAsync(db =>
        {
            db.Traces.Add(refused);
            db.TraceRecipients.Add(new() { QueueId = refused.QueueId, Recipient = "Anna@Portal.test", Outcome = RecipientOutcome.Refused, Rule = "recipient.quotaExceeded", UpdatedAt = refused.At });
        });
        await database.WriteAsync(TraceRows.At(TestDatabase.Start.AddMinutes(-1), "anna@portal.test"), ("a@example.org", RecipientOutcome.Relayed), ("b@example.org", RecipientOutcome.Failed));

        for (var pass = 0; pass < 2; pass++)
        {
            var mails = (await database.Get<PersonalMailService>().RecentAsync(Helpdesk, anna.Id, 8, CancellationToken.None)).Value;

            Assert.Equal(
                [(false, "b@example.org a@example.org", RecipientOutcome.Failed), (true, "z@example.org", RecipientOutcome.Refused), (true, "", RecipientOutcome.Delivered), (true, "y@example.org", RecipientOutcome.Delivered)],
                mails.Select(m => (m.IsIncoming, string.Join(' ', m.Others), m.Outcome)));
            Assert.Equal("recipient.quotaExceeded", mails[1].Rule);
            await database.IndexAsync();
        }
    }

    [Theory, BothDatabases]
    public async Task It_asks_for_its_own_capability_in_that_domain_and_reads_no_content(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (domain, other) = (await database.SeedDomainAsync(), await database.SeedDomainAsync("other.test"));
        var anna = await database.SeedMailboxAsync(domain, "anna");
        var service = database.Get<PersonalMailService>();

        using var sql = new SqlRecorder(database);
        Assert.True((await service.RecentAsync(TraceRows.With(Role.Helpdesk, domain.Id), anna.Id, 8, CancellationToken.None)).IsDone);
        Assert.IsType<NotFound>((await service.RecentAsync(TraceRows.With(Role.Helpdesk, other.Id), anna.Id, 8, CancellationToken.None)).Refusal);
        foreach (var role in new[] { Role.User, Role.Auditor }) Assert.IsType<NotPermitted>((await service.RecentAsync(TraceRows.With(role), anna.Id, 8, CancellationToken.None)).Refusal);
        Assert.DoesNotContain(sql.Commands, s => s.Text.Contains("ContentFacts", StringComparison.Ordinal) || s.Text.Contains("TraceEvent", StringComparison.Ordinal));
    }

    [Theory, BothDatabases]
    public async Task Nobody_reads_what_became_of_the_mail_of_someone_above_them(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var its = await database.AddDomainAsync();
        var boss = await database.AddMailboxAsync("boss@portal.test", null, Role.Administrator);
        var colleague = await database.AddMailboxAsync("colleague@portal.test", null, Role.Helpdesk);
        var service = database.Get<PersonalMailService>();

        foreach (var helper in new[] { Helpdesk, TraceRows.With(Role.Helpdesk, its) })
        {
            Assert.Equal(Capability.ViewMailOutcomes, Assert.IsType<NotPermitted>((await service.RecentAsync(helper, boss.MailboxId, 8, CancellationToken.None)).Refusal).Capability);
            Assert.Equal(helper == Helpdesk, (await service.RecentAsync(helper, colleague.MailboxId, 8, CancellationToken.None)).IsDone);   // who helps everywhere is above who helps in one domain
        }

        Assert.True((await service.RecentAsync(TraceRows.With(Role.Administrator), boss.MailboxId, 8, CancellationToken.None)).IsDone);
    }
}
