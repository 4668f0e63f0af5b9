using Microsoft.EntityFrameworkCore;
using Npgsql;
using Portal.Core.Alerts;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

/// <summary>A commit whose answer is lost: what is claimed, and what is not (DESIGN §3).</summary>
public sealed class UnclearCommitTests
{
    [Theory, BothDatabases]
    public async Task A_commit_that_did_not_happen_is_told_and_leaves_nothing(DatabaseKind kind)
    {
        await using var bed = await WriterBed.OpenAsync(kind, "anna@portal.test");
        bed.Writer.Fault = (point, _) =>
        {
            if (point == CommitPoint.Committing) throw new IOException("it never arrived");
        };

        Assert.Equal(WriteResult.Failed, await bed.DeliverAsync(Mail.Text, 0));
        Assert.Equal((0, 0L), (await bed.Database.ReadAsync(d => d.Messages.CountAsync()), await bed.Database.ReadAsync(d => d.MailboxUses.SumAsync(u => u.Items))));

        bed.Writer.Fault = null;
        Assert.Equal(WriteResult.Committed, await bed.DeliverAsync(Mail.Text, 0));
    }

    [Theory, BothDatabases]
    public async Task Where_nobody_can_be_asked_nothing_is_claimed_and_nothing_is_written_again(DatabaseKind kind)
    {
        var losable = new LosableDatabase();
        await using var bed = await WriterBed.OpenAsync(kind, losable.Configure, "anna@portal.test");
        await bed.DeliverAsync(Mail.Text, 0);   // the lane is open, the folder known
        var (first, second, third) = (await bed.AcceptAsync(Mail.Text, 0), await bed.AcceptAsync(Mail.Text, 0), await bed.AcceptAsync(Mail.Text, 0));
        var (begun, others) = (0, new List<Task<WriteResult>>());
        bed.Writer.Fault = (point, batch) =>
        {
            if (point == CommitPoint.Begun) begun++;
            if (point == CommitPoint.Begun && others.Count == 0) others.AddRange([bed.Writer.WriteAsync(second), bed.Writer.WriteAsync(third)]);
            if (point != CommitPoint.AfterCommit || batch.Count == 1) return;
            losable.IsLost = true;
            throw new InvalidOperationException("the answer was lost, and the database with it");
        };

        Assert.Equal(WriteResult.Committed, await bed.Writer.WriteAsync(first));
        Assert.All(await Task.WhenAll(others), r => Assert.Equal(WriteResult.Failed, r));

        losable.IsLost = false;
        Assert.Equal(2, begun);   // not message by message: their queue ids may be there
        Assert.Equal(4, await bed.Database.ReadAsync(d => d.Messages.CountAsync()));   // and are: the clients come again, and RFC 1047 knows the duplicate
        Assert.Empty(bed.Database.Get<SystemNotices>().Current);
    }

    [Theory]
    [InlineData("goes on", WriteResult.Committed)]
    [InlineData("is broken off", WriteResult.Failed)]
    [InlineData("takes too long", WriteResult.Failed)]
    public async Task On_PostgreSQL_a_commit_still_in_progress_is_waited_for(string what, WriteResult result)
    {
        await using var proxy = await PostgresProxy.StartAsync();
        await using var bed = await WriterBed.OpenAsync(DatabaseKind.Postgres, proxy.Configure, "anna@portal.test");
        await bed.DeliverAsync(Mail.Text, 0);
        await using var holder = await HoldCommitsAsync(bed.Database);

        var writing = bed.DeliverAsync(Mail.Text, 0);
        await UntilAsync(holder, "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)");
        proxy.HangUp();
        await UntilAsync(holder, "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_xact_status%')");
        Assert.False(writing.IsCompleted);

        var clock = bed.Database.Clock;
        if (what == "takes too long")
        {
            while (!writing.IsCompleted) await AdvanceAsync(UnclearCommit.Patience);
            Assert.Equal(result, await writing);   // nobody knows, and nothing is claimed
        }

        await ExecuteAsync(holder, what == "is broken off" ? "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted" : "SELECT pg_advisory_unlock_all()");
        await UntilAsync(holder, "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = 'COMMIT')");
        while (!writing.IsCompleted) await AdvanceAsync(UnclearCommit.Pause);

        Assert.Equal(result, await writing);
        Assert.Equal(what == "is broken off" ? 1 : 2, await bed.Database.ReadAsync(d => d.MailItems.CountAsync()));

        async Task AdvanceAsync(TimeSpan time)
        {
            clock.Advance(time);
            await Task.Yield();
        }
    }

    [Fact]
    public async Task On_PostgreSQL_a_commit_takes_two_round_trips()
    {
        await using var proxy = await PostgresProxy.StartAsync();
        await using var bed = await WriterBed.OpenAsync(DatabaseKind.Postgres, proxy.Configure, "anna@portal.test", "ben@portal.test");
        for (var i = 0; i < 3; i++) await bed.DeliverAsync(Mail.Text, 0, 1);   // connected, ids taken, statements prepared
        var before = proxy.RoundTrips;

        Assert.Equal(WriteResult.Committed, await bed.DeliverAsync(Mail.Text, 0, 1));

        Assert.Equal(2, proxy.RoundTrips - before);
        Assert.Equal(8, await bed.Database.ReadAsync(d => d.MailItems.CountAsync()));
    }

    /// <summary>From here on every commit of a message waits in the server for as long as the connection holds its lock.</summary>
    private static async Task<NpgsqlConnection> HoldCommitsAsync(TestDatabase database)
    {
        var holder = new NpgsqlConnection(await database.ReadAsync(d => Task.FromResult(d.Database.GetConnectionString())));
        await holder.OpenAsync();
        await ExecuteAsync(holder, """
            CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON "Message" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
            SELECT pg_advisory_lock(7);
            """);
        return holder;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task UntilAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        while (await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is false) await Task.Yield();
    }
}
