using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Jobs;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Queue;

public sealed class QueueServiceTests
{
    private static readonly Actor Admin = Organisation.With(Role.Administrator);

    [Theory, BothDatabases]
    public async Task Entries_are_found_by_text_recipient_cause_destination_and_state(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var id = await database.QueueAsync(e => e.Cause = DeferCause.Dns, "Bob@example.org", "carol_1@example.org");
        await database.QueueAsync(e => e.State = QueueState.Held, "dave@elsewhere.example");

        Assert.Equal(["Bob@example.org"], await FoundAsync(new QueueFilter { Text = "bOB@" }));
        Assert.Equal(["carol_1@example.org"], await FoundAsync(new QueueFilter { Text = "l_1" }));
        Assert.Empty(await FoundAsync(new QueueFilter { Text = "l%1" }));
        Assert.Equal(["Bob@example.org", "carol_1@example.org"], await FoundAsync(new QueueFilter { Text = id.ToString() }));
        Assert.Equal(["Bob@example.org"], await FoundAsync(new QueueFilter { Recipient = "BOB@example.org" }));
        Assert.Equal(["Bob@example.org", "carol_1@example.org"], await FoundAsync(new QueueFilter { Cause = DeferCause.Dns }));
        Assert.Equal(["dave@elsewhere.example"], await FoundAsync(new QueueFilter { RouteKey = "elsewhere.example" }));
        Assert.Equal(["dave@elsewhere.example"], await FoundAsync(new QueueFilter { State = QueueState.Held }));

        async Task<IEnumerable<string>> FoundAsync(QueueFilter filter) =>
            (await database.Get<QueueService>().SearchAsync(Admin, filter, QueueSort.Recipient, descending: false, 0, 50, CancellationToken.None)).Value.Rows.Select(e => e.ForwardPath).OrderBy(f => f, StringComparer.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_file_reads_what_matches_along_the_id_and_own_domains_only(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (own, other) = (await database.AddDomainAsync(), await database.AddDomainAsync("other.test"));
        await database.QueueAsync("a@example.org", "b@example.org", "c@elsewhere.example");
        var service = database.Get<QueueService>();

        var first = (await service.AfterAsync(Admin, QueueFilter.All, 0, CancellationToken.None)).Value;
        Assert.Equal(["a@example.org", "b@example.org", "c@elsewhere.example"], first.Select(e => e.ForwardPath));
        Assert.Equal(["b@example.org"], (await service.AfterAsync(Admin, new QueueFilter { RouteKey = "example.org" }, first[0].Id, CancellationToken.None)).Value.Select(e => e.ForwardPath));
        Assert.Equal(3, (await service.AfterAsync(Organisation.With(Role.Administrator, own), QueueFilter.All, 0, CancellationToken.None)).Value.Count);
        Assert.Empty((await service.AfterAsync(Organisation.With(Role.Administrator, other), QueueFilter.All, 0, CancellationToken.None)).Value);
        Assert.IsType<NotPermitted>((await service.AfterAsync(Organisation.With(Role.Helpdesk), QueueFilter.All, 0, CancellationToken.None)).Refusal);
    }

    [Theory, BothDatabases]
    public async Task The_queue_is_grouped_by_cause_and_destination(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync(e => (e.Cause, e.LastReply) = (DeferCause.Network, "refused"), "a@example.org", "b@example.org");
        await database.QueueAsync(e => (e.Cause, e.State) = (DeferCause.Network, QueueState.Held), "c@example.org");
        await database.QueueAsync("d@elsewhere.example");

        var groups = (await database.Get<QueueService>().GroupsAsync(Admin, QueueFilter.All, CancellationToken.None)).Value;

        Assert.Equal([(DeferCause.Network, "example.org", 3, 1, "refused"), (DeferCause.None, "elsewhere.example", 1, 0, null)], groups.Select(g => (g.Cause, g.RouteKey, g.Count, g.Held, g.LastReply)));
    }

    [Theory, BothDatabases]
    public async Task Entries_are_held_released_retried_and_deleted_audited_and_traced(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync(e => e.NextAttemptAt = e.NextAttemptAt.AddHours(1), "a@example.org");
        var service = database.Get<QueueService>();
        var entry = await EntryAsync();
        var it = QueueSelection.Of(entry!.Id);

        Assert.Equal(1, (await service.HoldAsync(Admin, it, CancellationToken.None)).Value.Rows);
        Assert.Equal(QueueState.Held, (await EntryAsync())!.State);
        Assert.Equal(0, (await service.RetryAsync(Admin, it, CancellationToken.None)).Value.Rows);   // held stays held
        Assert.Equal(1, (await service.ReleaseAsync(Admin, it, CancellationToken.None)).Value.Rows);
        Assert.Equal((QueueState.Due, TestDatabase.Start), ((await EntryAsync())!.State, (await EntryAsync())!.NextAttemptAt));
        Assert.Equal(1, (await service.RetryAsync(Admin, it, CancellationToken.None)).Value.Rows);
        Assert.Equal(1, (await service.DeleteAsync(Admin, it, notifySender: false, CancellationToken.None)).Value.Rows);
        Assert.Null(await EntryAsync());
        Assert.IsType<NotFound>((await service.RetryAsync(Admin, it, CancellationToken.None)).Refusal);

        Assert.Equal(
            ["queue.hold a@example.org", "queue.retry a@example.org", "queue.release a@example.org", "queue.retry a@example.org", "queue.delete a@example.org"],
            await database.AuditedActionsAsync());
        Assert.Equal(RecipientOutcome.Removed, await database.ReadAsync(db => db.TraceRecipients.Select(r => r.Outcome).SingleAsync()));
        Assert.Equal(4, await database.ReadAsync(db => db.TraceEvents.CountAsync(e => e.Kind == TraceEventKind.Action)));

        Task<QueueEntry?> EntryAsync() => database.ReadAsync(db => db.QueueEntries.AsNoTracking().SingleOrDefaultAsync());
    }

    [Theory, BothDatabases]
    public async Task An_act_tells_which_entries_it_changed_so_that_only_those_are_taken_back(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("due@example.org");
        await database.QueueAsync(e => e.State = QueueState.Held, "held@example.org");
        var service = database.Get<QueueService>();

        var held = (await service.HoldAsync(Admin, QueueSelection.Matching(QueueFilter.All), CancellationToken.None)).Value;
        await service.ReleaseAsync(Admin, QueueSelection.Of(held.Changed), CancellationToken.None);

        Assert.Equal([QueueState.Due, QueueState.Held], await database.ReadAsync(db => db.QueueEntries.OrderBy(e => e.ForwardPath).Select(e => e.State).ToListAsync()));
    }

    [Theory, BothDatabases]
    public async Task What_is_being_delivered_is_left_alone(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("a@example.org");
        await database.Get<MailQueue>().ClaimAsync("example.org", 1, CancellationToken.None);

        var deleted = await database.Get<QueueService>().DeleteAsync(Admin, QueueSelection.Matching(QueueFilter.All), notifySender: false, CancellationToken.None);

        Assert.Equal(0, deleted.Value.Rows);
        Assert.Equal(1, await database.ReadAsync(db => db.QueueEntries.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task More_than_100_entries_become_work_that_leaves_later_ones_alone_and_tells_which_were_being_delivered(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync([.. Enumerable.Range(0, 999).Select(i => $"r{i}@example.org")]);
        await database.QueueAsync(e => e.State = QueueState.Claimed, "now@example.org", "now2@example.org");

        var decided = (await database.Get<QueueService>().HoldAsync(Admin, QueueSelection.Matching(new QueueFilter { RouteKey = "example.org" }), CancellationToken.None)).Value;
        await database.QueueAsync("later@example.org");
        Assert.Equal((0, true), (decided.Rows, decided.WorkId is not null));
        await database.Get<WorkRunner>().RunPendingAsync(CancellationToken.None);

        var work = await database.ReadAsync(db => db.Work.AsNoTracking().SingleAsync());
        Assert.Equal((WorkState.Done, 1_001, 1_001), (work.State, work.DoneRows, work.TotalRows));
        Assert.Equal(["later@example.org"], await database.ReadAsync(db => db.QueueEntries.Where(e => e.State == QueueState.Due).Select(e => e.ForwardPath).ToListAsync()));
        Assert.Single(await database.AuditedActionsAsync());
        var told = (await database.Get<WorkService>().GetAsync(Admin, decided.WorkId!.Value, CancellationToken.None)).Value;
        Assert.Equal([new("now@example.org", "EntryClaimed"), new("now2@example.org", "EntryClaimed")], told.Refused);
        Assert.Equal("queue.hold", told.Action);
    }

    [Theory, BothDatabases]
    public async Task A_hundred_entries_are_done_at_once_and_one_more_becomes_work(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync([.. Enumerable.Range(0, 100).Select(i => $"r{i}@example.org")]);

        Assert.Equal(100, (await database.Get<QueueService>().HoldAsync(Admin, QueueSelection.Matching(QueueFilter.All), CancellationToken.None)).Value.Rows);
        await database.QueueAsync("one-more@example.org");
        Assert.NotNull((await database.Get<QueueService>().ReleaseAsync(Admin, QueueSelection.Matching(QueueFilter.All), CancellationToken.None)).Value.WorkId);
    }

    [Theory, BothDatabases]
    public async Task What_an_act_would_change_is_counted_before_it_is_done(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("due@example.org");
        await database.QueueAsync(e => e.State = QueueState.Held, "held@example.org", "held2@example.org");
        await database.QueueAsync(e => e.State = QueueState.Claimed, "now@example.org");
        await database.QueueAsync([.. Enumerable.Range(0, Paging.CountLimit + 1).Select(i => $"p{i}@many.example")]);

        Assert.Equal(new ActPreview(1, true), await CountAsync(QueueAct.Hold, "example.org"));
        Assert.Equal(new ActPreview(2, true), await CountAsync(QueueAct.Release, "example.org"));
        Assert.Equal(new ActPreview(3, true), await CountAsync(QueueAct.Delete, "example.org"));
        Assert.Equal(new ActPreview(Paging.CountLimit, false), await CountAsync(QueueAct.Retry, "many.example"));
        Assert.IsType<NotPermitted>((await database.Get<QueueService>().PreviewAsync(Organisation.With(Role.Helpdesk), QueueAct.Retry, QueueSelection.Matching(QueueFilter.All), CancellationToken.None)).Refusal);

        async Task<ActPreview> CountAsync(QueueAct act, string destination) =>
            (await database.Get<QueueService>().PreviewAsync(Admin, act, QueueSelection.Matching(new QueueFilter { RouteKey = destination }), CancellationToken.None)).Value;
    }

    [Theory, BothDatabases]
    public async Task An_administrator_of_a_domain_sees_and_touches_only_what_it_sent(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (own, other) = (await database.AddDomainAsync(), await database.AddDomainAsync("other.test"));
        await database.QueueAsync("a@example.org");
        var service = database.Get<QueueService>();

        Assert.Equal(1, (await service.SearchAsync(Organisation.With(Role.Administrator, own), QueueFilter.All, QueueSort.Age, false, 0, 50, CancellationToken.None)).Value.Total);
        Assert.Equal(0, (await service.SearchAsync(Organisation.With(Role.Administrator, other), QueueFilter.All, QueueSort.Age, false, 0, 50, CancellationToken.None)).Value.Total);
        Assert.Equal(0, (await service.HoldAsync(Organisation.With(Role.Administrator, other), QueueSelection.Matching(QueueFilter.All), CancellationToken.None)).Value.Rows);
    }

    [Theory]
    [InlineData(Role.Helpdesk)]
    [InlineData(Role.Auditor)]
    [InlineData(Role.User)]
    public async Task Who_may_not_see_the_queue_is_refused(Role role)
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        var service = database.Get<QueueService>();

        Assert.IsType<NotPermitted>((await service.SearchAsync(Organisation.With(role), QueueFilter.All, QueueSort.Age, false, 0, 50, CancellationToken.None)).Refusal);
        Assert.IsType<NotPermitted>((await service.GroupsAsync(Organisation.With(role), QueueFilter.All, CancellationToken.None)).Refusal);
        Assert.IsType<NotPermitted>((await service.RetryAsync(Organisation.With(role), QueueSelection.Matching(QueueFilter.All), CancellationToken.None)).Refusal);
    }

    [Theory, BothDatabases]
    public async Task What_a_domain_sent_is_found_by_its_whole_name_however_the_sender_wrote_it(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("a@example.org");
        await database.QueueAsync("b@example.org");
        await database.QueueAsync("c@example.org");
        await database.WriteAsync(db => db.Database.ExecuteSql($"""UPDATE "QueueEntry" SET "ReversePath" = 'Alice@PORTAL.Test' WHERE "ForwardPath" = 'b@example.org'"""));
        await database.WriteAsync(db => db.Database.ExecuteSql($"""UPDATE "QueueEntry" SET "ReversePath" = 'anna@bücher.test' WHERE "ForwardPath" = 'c@example.org'"""));

        Assert.Equal(2, await SeenByAsync("portal.test"));
        Assert.Equal(1, await SeenByAsync("xn--bcher-kva.test"));
        Assert.Equal(0, await SeenByAsync("p_rtal.test"));   // no pattern, whatever a name is made of
        Assert.Equal(0, await SeenByAsync("%.test"));
        Assert.Equal(0, await SeenByAsync("tal.test"));

        async Task<int> SeenByAsync(string domain)
        {
            var its = (await database.SeedDomainAsync(domain)).Id;
            return (await database.Get<QueueService>().SearchAsync(Organisation.With(Role.Administrator, its), QueueFilter.All, QueueSort.Age, false, 0, 50, CancellationToken.None)).Value.Total;
        }
    }
}
