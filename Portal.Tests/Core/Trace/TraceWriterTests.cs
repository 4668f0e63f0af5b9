using Microsoft.EntityFrameworkCore;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class TraceWriterTests
{
    private const int WrittenAlone = 50;
    private const string Client = "192.0.2.7";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Past_fifty_a_minute_of_one_network_refusals_are_counted_in_one_row_and_no_other_network_s_are(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var writer = database.Get<TraceWriter>();

        for (var i = 0; i < WrittenAlone + 3; i++) Refuse(database, Client);
        Refuse(database, "192.0.2.8");
        await writer.FlushAsync();
        for (var i = 0; i < 4; i++) Refuse(database, Client);   // later in the same minute
        await writer.FlushAsync();

        var rows = await RowsAsync(database);
        Assert.Equal(WrittenAlone, rows.Count(r => r is { ClientAddress: Client, Rule: "recipient.unknown", Count: 1 }));
        var counted = Assert.Single(rows, r => r.Rule == TraceWriter.CountedRule);
        Assert.Equal((7, Client, null, null, TraceOutcome.Refused), (counted.Count, counted.ClientAddress, counted.ReversePath, counted.Reply, counted.Outcome));
        Assert.Single(rows, r => r.ClientAddress == "192.0.2.8");
        Assert.Equal(WrittenAlone + 1, await database.ReadAsync(db => db.TraceRecipients.CountAsync(Cancel)));
        Assert.Equal(0, writer.Dropped);
    }

    [Theory, BothDatabases]
    public async Task The_next_minute_begins_anew(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var writer = database.Get<TraceWriter>();
        for (var i = 0; i < WrittenAlone + 1; i++) Refuse(database, Client);
        await writer.FlushAsync();

        database.Clock.Advance(TimeSpan.FromSeconds(61));
        Refuse(database, Client);
        await writer.FlushAsync();

        Assert.Equal(WrittenAlone + 1, (await RowsAsync(database)).Count(r => r.Rule == "recipient.unknown"));
    }

    [Theory, BothDatabases]
    public async Task What_the_buffer_cannot_take_is_counted_and_told_with_the_list(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        for (var i = 0; i < 10_002; i++) Refuse(database, Client);   // nobody writes: the buffer holds 10,000

        Assert.Equal(2, database.Get<TraceWriter>().Dropped);
        Assert.Equal(2, (await database.Traces().SearchAsync(TraceRows.With(Role.Administrator), new TraceQuery(), Cancel)).Value.Dropped);
    }

    private static void Refuse(TestDatabase database, string client)
    {
        var trace = TraceRows.At(database.Clock.GetUtcNow(), outcome: TraceOutcome.Refused, client: client);
        database.Get<TraceWriter>().Record(trace, null, [TraceRows.To(trace, 0, "nobody@portal.test", RecipientOutcome.Refused)]);
    }

    private static Task<List<MessageTrace>> RowsAsync(TestDatabase database) => database.ReadAsync(db => db.Traces.AsNoTracking().ToListAsync(Cancel));
}
