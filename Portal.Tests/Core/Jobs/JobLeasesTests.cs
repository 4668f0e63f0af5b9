using Microsoft.EntityFrameworkCore;
using Portal.Core.Jobs;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Jobs;

public class JobLeasesTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Two_nodes_never_run_a_job_at_once_nor_sooner_than_it_is_due(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await using var other = database.AnotherNode();
        var (begun, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource());
        var running = database.Get<JobLeases>().RunAsync("a", Hour, async _ =>
        {
            begun.SetResult();
            await mayEnd.Task;
        }, Cancel);
        await begun.Task;

        Assert.False(await RunsAsync(other, "a", TimeSpan.Zero));
        Assert.True(await RunsAsync(other, "b", Hour));
        mayEnd.SetResult();
        Assert.True(await running);

        Assert.False(await RunsAsync(other, "a", Hour));      // it ran a moment ago, elsewhere
        Assert.True(await RunsAsync(other, "a", TimeSpan.Zero));
        Assert.Equal(2, await database.ReadAsync(db => db.JobLeases.Where(l => l.Job == "a").Select(l => l.Fence).SingleAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_round_that_failed_is_due_at_once_and_a_dead_node_holds_it_up_for_two_minutes_only(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await using var other = database.AnotherNode();
        await Assert.ThrowsAsync<InvalidOperationException>(() => database.Get<JobLeases>().RunAsync("a", Hour, _ => throw new InvalidOperationException("round"), Cancel));
        Assert.True(await RunsAsync(other, "a", Hour));

        await SetUntilAsync(database, "a", Guid.CreateVersion7(), TimeSpan.FromSeconds(30));
        Assert.False(await RunsAsync(other, "a", TimeSpan.Zero));
        await SetUntilAsync(database, "a", Guid.CreateVersion7(), TimeSpan.FromSeconds(-1));
        Assert.True(await RunsAsync(other, "a", TimeSpan.Zero));
    }

    [Theory, BothDatabases]
    public async Task Who_has_lost_the_lease_breaks_off(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var begun = new TaskCompletionSource();
        var running = database.Get<JobLeases>().RunAsync("a", Hour, async stop =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
        }, Cancel);
        await begun.Task;
        var heir = Guid.CreateVersion7();
        await SetUntilAsync(database, "a", heir, TimeSpan.FromMinutes(2));

        database.Clock.Advance(TimeSpan.FromSeconds(30));   // the next renewal finds that it is another's

        Assert.False(await running.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
        Assert.Equal(heir, await database.ReadAsync(db => db.JobLeases.Select(l => l.Owner).SingleAsync()));   // and leaves it alone
    }

    private static async Task<bool> RunsAsync(TestDatabase node, string job, TimeSpan every)
    {
        var ran = false;
        var done = await node.Get<JobLeases>().RunAsync(job, every, _ =>
        {
            ran = true;
            return Task.CompletedTask;
        }, Cancel);
        Assert.Equal(ran, done);
        return ran;
    }

    private static async Task SetUntilAsync(TestDatabase database, string job, Guid owner, TimeSpan from)
    {
        using var turn = await database.Gate.EnterAsync(Cancel);
        await database.ReadAsync(db => db.Database.IsNpgsql()
            ? db.Database.ExecuteSqlAsync($"""UPDATE "JobLease" SET "Owner" = {owner}, "Until" = now() + {from}, "LastRunAt" = NULL, "Fence" = "Fence" + 1 WHERE "Job" = {job}""")
            : db.JobLeases.Where(l => l.Job == job).ExecuteUpdateAsync(l => l.SetProperty(x => x.Owner, owner).SetProperty(x => x.Until, database.Clock.GetUtcNow() + from).SetProperty(x => x.LastRunAt, (DateTimeOffset?)null).SetProperty(x => x.Fence, x => x.Fence + 1)));
    }
}
