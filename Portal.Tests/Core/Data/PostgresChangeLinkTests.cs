using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Data;

public class PostgresChangeLinkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hint_that_could_not_be_sent_is_kept_and_sent_when_the_link_is_back()
    {
        var mailbox = Guid.CreateVersion7();
        var log = new RecordingLogger<PostgresChangeLink>();
        await using var here = await TestDatabase.CreateAsync(DatabaseKind.Postgres);
        await using var there = here.AnotherNode(services => services
            .AddSingleton<ILogger<PostgresChangeLink>>(log)
            .PostConfigure<DatabaseOptions>(o => o.ConnectionString += ";Search Path=public,pg_catalog"));   // a function of the test's goes before PostgreSQL's own
        var (heard, heardThere) = (new ConcurrentQueue<(Change, Guid?)>(), new ConcurrentQueue<Change>());
        using var hearing = here.Feed.Subscribe((area, id) => heard.Enqueue((area, id)));
        using var hearingThere = there.Feed.Subscribe((area, _) => heardThere.Enqueue(area));
        await here.Part<PostgresChangeLink>().StartAsync(Cancel);
        await there.Part<PostgresChangeLink>().StartAsync(Cancel);
        await UntilAsync(() => heard.Contains((Change.Directory, null)) && heardThere.Contains(Change.Directory));   // the first look at the counters: both listen

        await here.ReadAsync(db => db.Database.ExecuteSqlRawAsync("CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END'", Cancel));
        there.Feed.Publish(Change.Mail, mailbox);
        await log.FirstAsync();
        Assert.DoesNotContain((Change.Mail, mailbox), heard);

        await here.ReadAsync(db => db.Database.ExecuteSqlRawAsync("DROP FUNCTION public.pg_notify(text, text)", Cancel));
        await UntilAsync(() =>
        {
            there.Clock.Advance(TimeSpan.FromMilliseconds(100));   // it tries again after a second of its clock
            return heard.Contains((Change.Mail, mailbox));
        });
        Assert.Contains("not now", Assert.Single(log.Lines), StringComparison.Ordinal);

        await there.Part<PostgresChangeLink>().StopAsync(Cancel);
        await here.Part<PostgresChangeLink>().StopAsync(Cancel);
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        while (!isSo()) await pace.WaitForNextTickAsync(patience.Token);
    }
}
