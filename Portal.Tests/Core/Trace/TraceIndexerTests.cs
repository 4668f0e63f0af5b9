using Microsoft.EntityFrameworkCore;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class TraceIndexerTests
{
    [Theory, BothDatabases]
    public async Task Turns_are_small_and_a_message_to_a_thousand_takes_several(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var big = TraceRows.At(TestDatabase.Start);
        await database.WriteAsync(big, [.. Enumerable.Range(0, 1000).Select(i => ($"r{i}@d{i}.test", RecipientOutcome.Delivered))]);
        await database.WriteAsync(TraceRows.At(TestDatabase.Start.AddSeconds(1)), ("last@portal.test", RecipientOutcome.Delivered));

        using var indexer = database.Indexer();
        var before = 0;
        for (var turns = 1; await indexer.TurnAsync(CancellationToken.None) > 0; turns++)
        {
            var now = await database.ReadAsync(db => db.TraceTerms.CountAsync());
            Assert.InRange(now - before, 1, TraceIndexer.MaxTermsInTurn);
            Assert.InRange(turns, 1, 20);
            before = now;
        }

        Assert.Equal(2 + 2000 + 2 + 2, before);   // sender and its domain, a thousand recipients and theirs; the second message likewise
        Assert.False(await database.ReadAsync(db => db.Traces.AnyAsync(t => !t.IsIndexed)));
    }

    [Theory, BothDatabases]
    public async Task A_turn_repeated_after_a_kill_writes_nothing_twice(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var trace = TraceRows.At(TestDatabase.Start, messageId: "id@example.org", client: "2001:db8::1");
        await database.WriteAsync(trace, ("bob@portal.test", RecipientOutcome.Delivered));
        await database.IndexAsync();
        var terms = await database.ReadAsync(db => db.TraceTerms.Select(t => t.Term).OrderBy(t => t).ToListAsync());

        using (await database.Gate.EnterAsync(CancellationToken.None))
            await database.ReadAsync(db => db.Traces.ExecuteUpdateAsync(t => t.SetProperty(x => x.IsIndexed, false)));
        await database.IndexAsync();

        Assert.Equal(terms, await database.ReadAsync(db => db.TraceTerms.Select(t => t.Term).OrderBy(t => t).ToListAsync()));
        Assert.Equal(new[] { "2001:db8::1", "@example.org", "@portal.test", "alice@example.org", "bob@portal.test", "id@example.org" }.Order(), terms.Order());
    }

    [Theory, BothDatabases]
    public async Task A_line_that_is_no_address_and_a_NUL_are_indexed_all_the_same(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(TraceRows.At(TestDatabase.Start, reversePath: null, messageId: "not an id"));
        await database.WriteAsync(TraceRows.At(TestDatabase.Start, reversePath: ""));

        await database.IndexAsync();

        Assert.Equal(["not an id"], await database.ReadAsync(db => db.TraceTerms.Select(t => t.Term).ToListAsync()));
        Assert.False(await database.ReadAsync(db => db.Traces.AnyAsync(t => !t.IsIndexed)));
        Assert.DoesNotContain('\0', Assert.Single(TraceText.TermsOf(TraceRows.At(TestDatabase.Start, reversePath: null, messageId: "a\0b"), [])));
    }
}
