using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Queue;

/// <summary>The list of a queue after a large outage: a page costs the same as of a small one, told from counted work.</summary>
public sealed class QueueListTests
{
    private const int Entries = 100_000;

    /// <summary>Steps of SQLite, pages of PostgreSQL: a count up to the list's limit is in it, a sort of all entries takes three million steps.</summary>
    private static long Most(DatabaseKind kind) => kind == DatabaseKind.Sqlite ? 400_000 : 12_000;

    [Theory, BothDatabases]
    public async Task No_sort_and_no_filter_reads_the_whole_queue(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.FillQueueAsync(Entries, routeKeys: 20);
        await database.QueueAsync(e => e.State = QueueState.Held, "held@rare.example");
        await database.QueueAsync(e => e.Cause = DeferCause.Tls, "tls@other.example");
        QueueFilter[] filters =
        [
            QueueFilter.All,
            new() { State = QueueState.Due },
            new() { State = QueueState.Held },
            new() { State = QueueState.Claimed },
            new() { Cause = DeferCause.Greylisted },
            new() { Cause = DeferCause.Tls },
            new() { Cause = DeferCause.None },
            new() { RouteKey = "r7.example" },
            new() { RouteKey = "rare.example" },
            new() { RouteKey = "nowhere.example" },
            new() { RouteKey = "r7.example", State = QueueState.Due },
            new() { RouteKey = "r4.example", Cause = DeferCause.Greylisted },
        ];
        foreach (var filter in filters)
        {
            foreach (var sort in Enum.GetValues<QueueSort>())
            {
                foreach (var descending in new[] { false, true })
                {
                    using var sql = new SqlRecorder(database);
                    var page = await PageAsync(database, filter, sort, descending);
                    foreach (var (text, work) in await sql.WorkAsync()) Assert.True(work <= Most(kind), $"{filter} {sort} {descending} costs {work}\n{text}");
                    Assert.All(page.Rows, e => Assert.True((filter.State ?? e.State, filter.Cause ?? e.Cause, filter.RouteKey ?? e.RouteKey) == (e.State, e.Cause, e.RouteKey)));
                }
            }
        }
    }

    [Theory, BothDatabases]
    public async Task Where_too_many_match_to_be_sorted_they_stand_by_next_try_or_age(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.FillQueueAsync(Entries, routeKeys: 2);
        await database.QueueAsync(e => (e.State, e.NextAttemptAt) = (QueueState.Held, TestDatabase.Start.AddDays(-1)), "aa@example.org");

        var all = await PageAsync(database, QueueFilter.All, QueueSort.NextAttempt, descending: false);
        Assert.Equal((Paging.CountLimit, false), (all.Total, all.IsTotalExact));
        Assert.Equal(["aa@example.org", "u0@r0.example", "u1@r1.example"], all.Rows.Select(e => e.ForwardPath));
        Assert.Equal(["u99999@r1.example", "u99998@r0.example", "u99997@r1.example"], await NamesAsync(QueueFilter.All, QueueSort.NextAttempt, descending: true));
        Assert.Equal(["aa@example.org", "u99999@r1.example", "u99998@r0.example"], await NamesAsync(QueueFilter.All, QueueSort.Age, descending: false));
        Assert.Equal(["u0@r0.example", "u1@r1.example", "u2@r0.example"], await NamesAsync(QueueFilter.All, QueueSort.Age, descending: true));
        Assert.Equal(["aa@example.org", "u0@r0.example", "u1@r1.example"], await NamesAsync(QueueFilter.All, QueueSort.Recipient, descending: true));
        foreach (var filter in new QueueFilter[] { new() { RouteKey = "r1.example" }, new() { RouteKey = "r1.example", State = QueueState.Due } })
        {
            Assert.Equal(["u1@r1.example", "u3@r1.example", "u5@r1.example"], await NamesAsync(filter, QueueSort.NextAttempt, descending: false));
            Assert.Equal(["u99999@r1.example", "u99997@r1.example", "u99995@r1.example"], await NamesAsync(filter, QueueSort.Age, descending: false));
        }

        Assert.Equal(["aa@example.org"], await NamesAsync(new QueueFilter { State = QueueState.Held }, QueueSort.Sender, descending: false));

        async Task<IEnumerable<string>> NamesAsync(QueueFilter filter, QueueSort sort, bool descending) => (await PageAsync(database, filter, sort, descending)).Rows.Select(e => e.ForwardPath);
    }

    [Theory, BothDatabases]
    public async Task Up_to_the_limit_they_are_sorted_and_counted(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.QueueAsync("b@example.org", "a@example.org", "c@example.org", "d@example.org");

        var page = (await database.Get<QueueService>().SearchAsync(Actor.Operator(), QueueFilter.All, QueueSort.Recipient, descending: true, 1, 2, CancellationToken.None)).Value;

        Assert.Equal((4, true), (page.Total, page.IsTotalExact));
        Assert.Equal(["c@example.org", "b@example.org"], page.Rows.Select(e => e.ForwardPath));
    }

    private static async Task<Page<QueueEntry>> PageAsync(TestDatabase database, QueueFilter filter, QueueSort sort, bool descending) =>
        (await database.Get<QueueService>().SearchAsync(Actor.Operator(), filter, sort, descending, 0, 3, CancellationToken.None)).Value;
}
