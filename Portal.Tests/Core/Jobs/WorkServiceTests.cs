using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Jobs;

public class WorkServiceTests
{
    private static readonly Actor Ada = Named("ada@portal.test", Role.Administrator);
    private static readonly Actor Bob = Named("bob@portal.test", Role.Administrator);
    private static readonly Guid SomeDomain = Guid.CreateVersion7();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Work_is_seen_from_its_decision_to_its_end_and_by_a_program_started_anew(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var id = await HoldManyAsync(database, Ada);

        var begun = (await database.Get<WorkService>().GetAsync(Ada, id, Cancel)).Value;
        Assert.Equal((WorkState.Pending, "queue.hold", 0L, 150L, true), (begun.State, begun.Action, begun.Done, begun.Total, begun.IsRunning));
        Assert.Equal(id, Assert.Single((await database.Get<WorkService>().OwnRunningAsync(Ada, Cancel)).Value).Id);

        await using var anew = database.AnotherNode();
        await anew.Get<WorkRunner>().RunPendingAsync(Cancel);

        var ended = (await anew.Get<WorkService>().GetAsync(Ada, id, Cancel)).Value;
        Assert.Equal((WorkState.Done, 150L, false), (ended.State, ended.Done, ended.IsRunning));
        Assert.Empty((await anew.Get<WorkService>().OwnRunningAsync(Ada, Cancel)).Value);
        Assert.Equal(WorkState.Done, Assert.Single((await anew.Get<WorkService>().RecentAsync(Ada, QueueService.WorkKind, Cancel)).Value).State);
    }

    [Theory, BothDatabases]
    public async Task What_ended_more_than_a_day_ago_is_found_by_its_number_only_and_what_runs_always(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var works = database.Get<WorkService>();
        var done = await AddAsync(database, QueueService.WorkKind, Ada.Name, WorkState.Done, TestDatabase.Start);
        var failed = await AddAsync(database, QueueService.WorkKind, Ada.Name, WorkState.Failed, TestDatabase.Start.AddSeconds(1));
        var running = await AddAsync(database, QueueService.WorkKind, Ada.Name, WorkState.Running, null);
        await AddAsync(database, MailboxBulkService.WorkKind, Ada.Name, WorkState.Running, null);

        database.Clock.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));

        Assert.Equal([running, failed], (await works.RecentAsync(Ada, QueueService.WorkKind, Cancel)).Value.Select(w => w.Id));
        Assert.Equal(WorkState.Done, (await works.GetAsync(Ada, done, Cancel)).Value.State);
    }

    [Theory, BothDatabases]
    public async Task Cancelled_work_does_no_further_turn_keeps_what_is_done_and_stands_in_the_audit(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var id = await HoldManyAsync(database, Ada);
        var works = database.Get<WorkService>();

        Assert.True((await works.CancelAsync(Bob, id, Cancel)).IsDone);
        await database.Get<WorkRunner>().RunPendingAsync(Cancel);

        var after = (await works.GetAsync(Ada, id, Cancel)).Value;
        Assert.Equal((WorkState.Cancelled, 0L, (DateTimeOffset?)TestDatabase.Start), (after.State, after.Done, after.EndedAt));
        Assert.Equal(0, await database.ReadAsync(db => db.QueueEntries.CountAsync(e => e.State == QueueState.Held, Cancel)));
        Assert.Equal("work.cancel queue.hold", (await database.AuditedActionsAsync())[^1]);
        Assert.Equal("WorkEnded", (await works.CancelAsync(Ada, id, Cancel)).Refusal?.Key);
    }

    [Theory, BothDatabases]
    public async Task Work_that_is_cancelled_between_turns_keeps_what_they_did(DatabaseKind kind)
    {
        var held = new Held();
        await using var database = await TestDatabase.CreateAsync(kind, services => Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton<IWorkKind>(services, held));
        var id = await AddAsync(database, held.Kind, Ada.Name, WorkState.Pending, null);
        var running = database.Get<WorkRunner>().RunPendingAsync(Cancel);
        await held.IsHeld.Task.WaitAsync(Cancel);

        var cancelling = database.Get<WorkService>().CancelAsync(Ada, id, Cancel);
        held.Go.SetResult();
        Assert.True((await cancelling).IsDone);
        await running;

        var after = (await database.Get<WorkService>().GetAsync(Ada, id, Cancel)).Value;
        Assert.Equal(WorkState.Cancelled, after.State);
        Assert.True(after.Done > 0);
    }

    [Theory, BothDatabases]
    public async Task A_kind_is_seen_by_who_answers_for_it_everywhere_and_else_only_by_who_began_it(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var works = database.Get<WorkService>();
        var ofDomain = Named("dora@portal.test", Role.Administrator, SomeDomain);
        var queue = await AddAsync(database, QueueService.WorkKind, ofDomain.Name, WorkState.Running, null);
        var folder = await AddAsync(database, "mail.folder.empty", "anna@portal.test", WorkState.Running, null);

        Assert.True((await works.GetAsync(Ada, queue, Cancel)).IsDone);
        Assert.True((await works.GetAsync(ofDomain, queue, Cancel)).IsDone);
        Assert.IsType<NotFound>((await works.GetAsync(Named("emil@portal.test", Role.Administrator, SomeDomain), queue, Cancel)).Refusal);
        Assert.IsType<NotFound>((await works.GetAsync(Named(ofDomain.Name, Role.User), queue, Cancel)).Refusal);   // the right is gone
        Assert.True((await works.GetAsync(Named("anna@portal.test", Role.User), folder, Cancel)).IsDone);
        Assert.IsType<NotFound>((await works.GetAsync(Ada, folder, Cancel)).Refusal);
        Assert.IsType<NotFound>((await works.GetAsync(Actor.Visitor(null), folder, Cancel)).Refusal);

        Assert.IsType<NotFound>((await works.CancelAsync(Ada, folder, Cancel)).Refusal);
        Assert.IsType<NotFound>((await works.CancelAsync(Named("bert@portal.test", Role.User), folder, Cancel)).Refusal);
        Assert.Empty((await works.RecentAsync(Named("emil@portal.test", Role.Administrator, SomeDomain), QueueService.WorkKind, Cancel)).Value);
        Assert.Empty((await works.OwnRunningAsync(Ada, Cancel)).Value);
    }

    private static Actor Named(string name, Role role, Guid? domainId = null) => Actor.ForAccount(Guid.CreateVersion7(), name, [new HeldRole(role, new Scope(domainId))], Channel.Portal, null);

    private static async Task<long> HoldManyAsync(TestDatabase database, Actor actor)
    {
        await database.QueueAsync([.. Enumerable.Range(0, 150).Select(i => $"r{i}@example.org")]);
        return (await database.Get<QueueService>().HoldAsync(actor, QueueSelection.Matching(QueueFilter.All), Cancel)).Value.WorkId!.Value;
    }

    private static async Task<long> AddAsync(TestDatabase database, string kind, string actorName, WorkState state, DateTimeOffset? endedAt)
    {
        var input = kind == MailboxBulkService.WorkKind ? """{"Change":{"Act":0}}""" : """{"Act":1}""";
        var work = new Work { Kind = kind, Input = input, ActorName = actorName, CreatedAt = TestDatabase.Start, State = state, EndedAt = endedAt };
        await database.WriteAsync(db => db.Work.Add(work));
        return work.Id;
    }

    /// <summary>Endless turns of one row; the first waits.</summary>
    private sealed class Held : IWorkKind
    {
        public TaskCompletionSource Go { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource IsHeld { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Kind => "test.held";

        public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
        {
            IsHeld.TrySetResult();
            await Go.Task.WaitAsync(cancel);
            return new WorkTurn("on", 1);
        }
    }
}
