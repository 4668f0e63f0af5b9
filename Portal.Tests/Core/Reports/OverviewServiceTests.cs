using Portal.Core.Permissions;
using Portal.Core.Reports;
using Portal.Core.Trace;
using Portal.Tests.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Reports;

public class OverviewServiceTests
{
    private static readonly Actor Administrator = TraceRows.With(Role.Administrator);

    [Theory, BothDatabases]
    public async Task Each_figure_counts_what_the_list_behind_it_shows(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        foreach (var hoursAgo in new[] { 0.5, 0.6, 5, 30 })
        {
            await database.WriteAsync(At(hoursAgo, TraceSource.Mx), ("a@portal.test", RecipientOutcome.Delivered));
            await database.WriteAsync(At(hoursAgo, TraceSource.Submission), ("b@example.org", RecipientOutcome.Relayed));
            await database.WriteAsync(At(hoursAgo, TraceSource.Mx, TraceOutcome.Refused), ("c@portal.test", RecipientOutcome.Refused));
        }

        await database.WriteAsync(At(0.1, TraceSource.Portal), ("d@example.org", RecipientOutcome.Failed));
        await database.WriteAsync(At(0.1, TraceSource.Dsn), ("e@portal.test", RecipientOutcome.Delivered));

        var flow = (await database.Get<OverviewService>().GetAsync(Administrator, CancellationToken.None)).Value.Flow!;

        Assert.Equal((2, 3, 2), (flow.Hour.Received, flow.Hour.Sent, flow.Hour.Refused));
        Assert.Equal((3, 4, 3), (flow.Day.Received, flow.Day.Sent, flow.Day.Refused));
        Assert.Equal((3, 1), (flow.Day.Relayed, flow.Day.Failed));
        foreach (var (filter, hour, day) in new[] { (TraceFilter.Received, 2, 3), (TraceFilter.Sent, 3, 4), (TraceFilter.Refused, 2, 3) })
        {
            Assert.Equal(hour, (await database.FindAsync(Administrator, new() { Filter = filter, From = TestDatabase.Start.AddHours(-1) })).Count);
            Assert.Equal(day, (await database.FindAsync(Administrator, new() { Filter = filter, From = TestDatabase.Start.AddDays(-1) })).Count);
        }

        foreach (var (filter, count) in new[] { (TraceFilter.Relayed, 3), (TraceFilter.Failed, 1), (TraceFilter.Delivered, 7) })
            Assert.Equal(count, (await database.FindAsync(Administrator, new() { Filter = filter, From = TestDatabase.Start.AddDays(-1) })).Count);
    }

    [Theory, BothDatabases]
    public async Task The_causes_of_a_day_s_refusals_stand_by_how_often_and_each_finds_its_rows(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        foreach (var (rule, rows, count) in new[] { ("recipient.unknown", 3, 1), ("recipient.relayDenied", 1, 40), ("message.size", 2, 1) })
            for (var i = 0; i < rows; i++) await database.WriteAsync(At(1 + i, TraceSource.Mx, TraceOutcome.Refused, rule, count));
        await database.WriteAsync(At(25, TraceSource.Mx, TraceOutcome.Refused, "message.hops"));
        await database.WriteAsync(At(1, TraceSource.Mx, TraceOutcome.Deferred, "recipient.quotaFull"));

        var causes = (await database.Get<OverviewService>().GetAsync(Administrator, CancellationToken.None)).Value.Flow!.Causes;

        Assert.Equal([("recipient.relayDenied", 40L), ("recipient.unknown", 3L), ("message.size", 2L)], causes);
        foreach (var (rule, rows) in new[] { ("recipient.unknown", 3), ("recipient.relayDenied", 1), ("message.size", 2) })
            Assert.Equal(rows, (await database.FindAsync(Administrator, new() { Filter = TraceFilter.Refused, Rule = rule, From = TestDatabase.Start.AddDays(-1) })).Count);
    }

    [Theory, BothDatabases]
    public async Task It_tells_whether_anybody_has_sent_without_a_walk_through_the_trace(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(At(2, TraceSource.Mx), ("a@portal.test", RecipientOutcome.Delivered));
        using var sql = new SqlRecorder(database);
        Assert.False((await database.Get<OverviewService>().GetAsync(Administrator, CancellationToken.None)).Value.Start!.HasSent);
        Assert.All(sql.Commands.Where(c => c.Text.Contains("EXISTS", StringComparison.Ordinal) && c.Text.Contains("\"MessageTrace\"", StringComparison.Ordinal)), c => Assert.Contains("LIMIT", c.Text, StringComparison.Ordinal));

        await database.WriteAsync(At(1, TraceSource.Submission), ("b@example.org", RecipientOutcome.Relayed));

        Assert.True((await database.Get<OverviewService>().GetAsync(Administrator, CancellationToken.None)).Value.Start!.HasSent);
    }

    [Theory, BothDatabases]
    public async Task A_scanner_in_the_office_is_no_mail_from_outside(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        foreach (var client in new[] { "127.0.0.1", "192.168.1.20", "10.0.0.7", "fd00::1", null })
        {
            await database.WriteAsync(At(2, TraceSource.Mx, client: client), ("a@portal.test", RecipientOutcome.Delivered));
        }

        Assert.False(await HasMailAsync());

        await database.WriteAsync(At(1, TraceSource.Mx, client: "9.9.9.9"), ("a@portal.test", RecipientOutcome.Delivered));

        Assert.True(await HasMailAsync());

        async Task<bool> HasMailAsync() => (await database.Get<OverviewService>().GetAsync(Administrator, CancellationToken.None)).Value.Start!.HasMailFromOutside;
    }

    [Theory, BothDatabases]
    public async Task The_hours_of_the_clock_add_up_and_the_day_before_is_there_to_compare(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        database.Clock.Advance(TimeSpan.FromMinutes(20));   // 09:20
        foreach (var hoursAgo in new[] { 0.0, -0.3, 0.5, 1.5, 22.9, 30, 47 }) await database.WriteAsync(At(hoursAgo, TraceSource.Submission), ("b@example.org", RecipientOutcome.Relayed));

        var flow = (await database.Get<OverviewService>().GetAsync(Administrator, CancellationToken.None)).Value.Flow!;

        Assert.Equal((TestDatabase.Start.AddHours(-23), TestDatabase.Start, 24), (flow.Hours[0].At, flow.Hours[^1].At, flow.Hours.Count));
        Assert.Equal([(10, 1), (31, 1), (32, 1), (33, 2)], flow.Hours.Where(h => h.Flow.Sent > 0).Select(h => (h.At.Hour + (h.At.Day == 24 ? 24 : 0), (int)h.Flow.Sent)));
        Assert.All(flow.Hours, h => Assert.Equal(h.Flow.Sent, h.Flow.Relayed));
        Assert.Equal((5, 5, 2), (flow.Day.Sent, flow.Day.Relayed, flow.DayBefore.Relayed));
    }

    [Theory, BothDatabases]
    public async Task What_is_over_is_counted_once_however_often_it_is_looked_at(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var overview = database.Get<OverviewService>();
        foreach (var hoursAgo in Enumerable.Range(0, 480)) await database.WriteAsync(At(hoursAgo / 10.0, TraceSource.Mx, client: "10.0.0.1"), ("a@portal.test", RecipientOutcome.Delivered));
        for (var i = 0; i < 2; i++)
        {
            database.Clock.Advance(TimeSpan.FromSeconds(10));
            await overview.GetAsync(Administrator, CancellationToken.None);
        }

        await database.WriteAsync(At(-0.005, TraceSource.Mx), ("a@portal.test", RecipientOutcome.Delivered));
        database.Clock.Advance(TimeSpan.FromSeconds(10));
        using var sql = new SqlRecorder(database);
        var flow = (await overview.GetAsync(Administrator, CancellationToken.None)).Value.Flow!;

        Assert.Equal(11, flow.Hour.Received);
        // The running five minutes, what is left over before and after three moments and after a fourth, and what is new for the next steps.
        Assert.InRange(sql.Commands.Count(c => c.Text.Contains("\"MessageTrace\"", StringComparison.Ordinal)), 1, 9);
        Assert.InRange(sql.Commands.Count(c => c.Text.Contains("\"TraceRecipient\"", StringComparison.Ordinal)), 1, 8);
        var most = kind == DatabaseKind.Sqlite ? 1_000 : 60;
        Assert.All((await sql.WorkAsync()).Where(w => w.Text.Contains("Trace", StringComparison.Ordinal)), w => Assert.True(w.Work < most, $"{w.Work}: {w.Text}"));
    }

    [Theory, BothDatabases]
    public async Task A_message_that_took_long_is_counted_in_the_hour_it_began(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var overview = database.Get<OverviewService>();
        await database.WriteAsync(At(0.4, TraceSource.Mx), ("a@portal.test", RecipientOutcome.Queued));
        Assert.Equal(1, (await overview.GetAsync(Administrator, CancellationToken.None)).Value.Flow!.Hour.Received);

        await database.WriteAsync(At(0.4, TraceSource.Mx), ("a@portal.test", RecipientOutcome.Relayed));
        database.Clock.Advance(TimeSpan.FromMinutes(2));

        var flow = (await overview.GetAsync(Administrator, CancellationToken.None)).Value.Flow!;
        Assert.Equal((2, 1, 2, 1), (flow.Hour.Received, flow.Hour.Relayed, flow.Hours[^2].Flow.Received, flow.Hours[^2].Flow.Relayed));
    }

    private static MessageTrace At(double hoursAgo, TraceSource source, TraceOutcome outcome = TraceOutcome.Accepted, string? rule = null, int count = 1, string? client = null)
    {
        var at = TestDatabase.Start.AddHours(-hoursAgo);
        return new() { QueueId = Guid.CreateVersion7(at), At = at, Source = source, Outcome = outcome, Rule = rule, Count = count, ClientAddress = client };
    }
}
