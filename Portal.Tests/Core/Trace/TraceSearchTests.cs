using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class TraceSearchTests
{
    private static readonly Actor Administrator = TraceRows.With(Role.Administrator);

    [Theory, BothDatabases]
    public async Task Whatever_a_person_knows_of_a_message_finds_it_with_and_without_its_terms(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var wanted = TraceRows.At(TestDatabase.Start, "Alice@Example.org", messageId: "ABC.123@mail.example.org", client: "192.0.2.7");
        await database.WriteAsync(wanted, ("bob@portal.test", RecipientOutcome.Delivered), ("eve@other.test", RecipientOutcome.Queued));
        await database.WriteAsync(TraceRows.At(TestDatabase.Start, "carol@example.com", messageId: "x@y", client: "192.0.2.8"), ("dan@else.test", RecipientOutcome.Delivered));

        string[] texts =
        [
            "alice@example.org", "ALICE@EXAMPLE.ORG", "bob@portal.test", "eve@other.test", "@portal.test", "portal.test", "@example.org", "<abc.123@mail.example.org>", "192.0.2.7",
            "::ffff:192.0.2.7", wanted.QueueId.ToString(), wanted.QueueId.ToString("N"), "alice@example.org @portal.test", $"{wanted.QueueId} bob@portal.test",
        ];
        foreach (var isIndexed in new[] { false, true })
        {
            if (isIndexed) await database.IndexAsync();
            foreach (var text in texts) Assert.Equal([wanted.QueueId], await database.FindAsync(Administrator, new() { Text = text }));
            foreach (var text in new[] { "nobody@example.org", "@example.net", "192.0.2.9", Guid.CreateVersion7().ToString(), "alice@example.org @else.test", $"{wanted.QueueId} dan@else.test" })
                Assert.Empty(await database.FindAsync(Administrator, new() { Text = text }));
        }
    }

    [Theory, BothDatabases]
    public async Task A_word_that_is_nothing_to_look_up_is_refused_in_words(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        var outcome = await database.Traces().SearchAsync(Administrator, new() { Text = "subject:secret" }, CancellationToken.None);

        Assert.Equal("TraceTextNotUnderstood", Assert.IsType<Invalid>(outcome.Refusal).Key);
    }

    [Theory, BothDatabases]
    public async Task A_filter_narrows_to_the_outcome_alone_or_with_a_text(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var expected = new Dictionary<TraceFilter, Guid>();
        async Task AddAsync(TraceFilter filter, TraceOutcome outcome, params RecipientOutcome[] recipients)
        {
            var trace = TraceRows.At(TestDatabase.Start, outcome: outcome);
            expected[filter] = trace.QueueId;
            await database.WriteAsync(trace, [.. recipients.Select((r, i) => ($"r{i}@portal.test", r))]);
        }

        await AddAsync(TraceFilter.Delivered, TraceOutcome.Accepted, RecipientOutcome.Delivered);
        await AddAsync(TraceFilter.InQueue, TraceOutcome.Accepted, RecipientOutcome.Deferred, RecipientOutcome.Queued);
        await AddAsync(TraceFilter.Held, TraceOutcome.Accepted, RecipientOutcome.Held);
        await AddAsync(TraceFilter.Failed, TraceOutcome.Accepted, RecipientOutcome.Expired, RecipientOutcome.Failed);
        await AddAsync(TraceFilter.Refused, TraceOutcome.Refused, RecipientOutcome.Refused);
        await AddAsync(TraceFilter.Later, TraceOutcome.Deferred);
        await AddAsync(TraceFilter.SetAside, TraceOutcome.Accepted, RecipientOutcome.Removed);

        for (var pass = 0; pass < 2; pass++)
        {
            foreach (var filter in expected.Keys)
            {
                Assert.Equal([expected[filter]], await database.FindAsync(Administrator, new() { Filter = filter }));
                Assert.Equal([expected[filter]], await database.FindAsync(Administrator, new() { Filter = filter, Text = "alice@example.org" }));
                Assert.Equal([expected[filter]], await database.FindAsync(Administrator, new() { Filter = filter, Text = expected[filter].ToString() }));
                Assert.Equal(1, (await database.Traces().CountAsync(Administrator, new() { Filter = filter, Text = "@example.org" }, CancellationToken.None)).Value);
            }

            await database.IndexAsync();
        }
    }

    [Theory, BothDatabases]
    public async Task A_rule_finds_what_it_decided_the_message_before_its_recipients(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var whole = TraceRows.At(TestDatabase.Start, outcome: TraceOutcome.Refused);   // rule recipient.unknown
        var (part, other) = (TraceRows.At(TestDatabase.Start), TraceRows.At(TestDatabase.Start));
        await database.WriteAsync(whole, ("a@portal.test", RecipientOutcome.Refused));
        await database.WriteAsync(db =>
        {
            db.Traces.AddRange(part, other);
            foreach (var (trace, rule) in new[] { (part, "recipient.unknown"), (other, "recipient.mailbox"), (whole, "recipient.mailbox") })
                db.TraceRecipients.Add(new() { QueueId = trace.QueueId, Index = 1, Recipient = "b@portal.test", Outcome = RecipientOutcome.Refused, Rule = rule, UpdatedAt = trace.At });
        });

        for (var pass = 0; pass < 2; pass++)
        {
            foreach (var text in new[] { null, "alice@example.org" })
            {
                Assert.Equal([.. new[] { whole.QueueId, part.QueueId }.OrderDescending()], await database.FindAsync(Administrator, new() { Rule = "recipient.unknown", Text = text }));
                Assert.Equal([whole.QueueId], await database.FindAsync(Administrator, new() { Rule = "recipient.unknown", Filter = TraceFilter.Refused, Text = text }));
                Assert.Equal([other.QueueId], await database.FindAsync(Administrator, new() { Rule = "recipient.mailbox", Text = text }));
            }

            await database.IndexAsync();
        }
    }

    [Theory, BothDatabases]
    public async Task A_range_of_time_holds_its_first_moment_and_not_its_last(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var hours = Enumerable.Range(0, 4).Select(h => TraceRows.At(TestDatabase.Start.AddHours(h))).ToList();
        foreach (var trace in hours) await database.WriteAsync(trace);

        Assert.Equal([hours[2].QueueId, hours[1].QueueId], await database.FindAsync(Administrator, new() { From = TestDatabase.Start.AddHours(1), Until = TestDatabase.Start.AddHours(3) }));
    }

    [Theory, BothDatabases]
    public async Task A_row_shows_the_recipients_that_ask_for_attention_first_and_counts_all(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var trace = TraceRows.At(TestDatabase.Start);
        await database.WriteAsync(trace, [.. Enumerable.Range(0, 40).Select(i => ($"r{i}@portal.test", i == 33 ? RecipientOutcome.Failed : RecipientOutcome.Delivered))]);

        var row = Assert.Single((await database.Traces().SearchAsync(Administrator, new(), CancellationToken.None)).Value.Rows);

        Assert.Equal((40, "r33@portal.test"), (row.RecipientCount, row.Recipients[0].Recipient));
        Assert.Equal(TraceRow.MaxRecipients, row.Recipients.Count);
        Assert.Equal(RecipientOutcome.Failed, row.State);
    }
}
