using FsCheck.Fluent;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class TracePagingTests
{
    private static readonly string[] Addresses = ["a@one.test", "b@one.test", "c@two.test"];

    [Theory, BothDatabases]
    public async Task Pages_hold_every_match_once_and_newest_first_for_any_mail_filter_and_page_size(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var traces = Gen.Choose(0, 5000).SelectMany(ms => Gen.Elements(Addresses).SelectMany(from => Gen.ArrayOf(Gen.Elements(Enum.GetValues<RecipientOutcome>())).SelectMany(outcomes =>
            Gen.Elements(Enum.GetValues<TraceOutcome>()).SelectMany(outcome => Gen.Elements(true, false).Select(isIndexed => (ms, from, outcomes: outcomes.Take(4).ToArray(), outcome, isIndexed))))));
        List<(MessageTrace Trace, List<TraceRecipient> Recipients)> all = [];
        foreach (var (ms, from, outcomes, outcome, isIndexed) in traces.Sample(120, 8))
        {
            var trace = TraceRows.At(TestDatabase.Start.AddMilliseconds(ms), from, outcome);
            var recipients = outcomes.Select((o, i) => TraceRows.To(trace, i, Addresses[i % Addresses.Length], o)).ToList();
            all.Add((trace, recipients));
            await database.WriteAsync(trace, [.. recipients.Select(r => (r.Recipient, r.Outcome))]);
            if (isIndexed) await database.IndexAsync();   // some have their terms, some do not
        }

        var queries = Gen.Elements(null, "a@one.test", "@one.test", "c@two.test", "@one.test @two.test", "@none.test").SelectMany(text =>
            Gen.Elements(Enum.GetValues<TraceFilter>().Select(f => (TraceFilter?)f).Append(null).ToArray()).SelectMany(filter =>
                Gen.Choose(1, 30).SelectMany(limit => Gen.Choose(0, 5000).SelectMany(lower => Gen.Choose(0, 5000).Select(upper => new TraceQuery
                {
                    Text = text,
                    Filter = filter,
                    Limit = limit,
                    From = lower < 1000 ? null : TestDatabase.Start.AddMilliseconds(lower),
                    Until = upper < 1000 ? null : TestDatabase.Start.AddMilliseconds(upper),
                })))));
        foreach (var query in queries.Sample(100, 60))
        {
            var expected = all.Where(t => IsMeant(query, t.Trace, t.Recipients)).Select(t => t.Trace.QueueId).OrderDescending().ToList();

            Assert.Equal(expected, await ReadAllAsync(database, query, expected.Count));
            Assert.Equal(expected.Count, (await database.Traces().CountAsync(TraceRows.With(Role.Administrator), query, CancellationToken.None)).Value);
        }
    }

    private static async Task<List<Guid>> ReadAllAsync(TestDatabase database, TraceQuery query, int expected)
    {
        List<Guid> read = [];
        for (Guid? before = null; ;)
        {
            var page = (await database.Traces().SearchAsync(TraceRows.With(Role.Administrator), query with { Before = before }, CancellationToken.None)).Value;
            Assert.False(page.IsPartial);
            Assert.True(page.Rows.Count == query.Limit || page.Next is null, "only the last page is short");
            read.AddRange(page.Rows.Select(r => r.Trace.QueueId));
            if (page.Next is null) return read;
            Assert.True(read.Count < expected, "a next page was promised and there is none");
            before = page.Next;
        }
    }

    // The plain meaning of a query, told without any index.
    private static bool IsMeant(TraceQuery query, MessageTrace trace, List<TraceRecipient> recipients)
    {
        if (query.From > trace.At || query.Until <= trace.At) return false;
        var words = (query.Text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var addresses = recipients.Select(r => r.Recipient).Append(trace.ReversePath!).ToList();
        if (!words.All(w => addresses.Any(a => w.StartsWith('@') ? a.EndsWith(w, StringComparison.Ordinal) : a == w))) return false;
        return query.Filter switch
        {
            null => true,
            TraceFilter.Received => trace is { Source: TraceSource.Mx, Outcome: TraceOutcome.Accepted },
            TraceFilter.Sent => trace is { Source: TraceSource.Submission or TraceSource.Portal, Outcome: TraceOutcome.Accepted },
            TraceFilter.Relayed => recipients.Any(r => r.Outcome is RecipientOutcome.Relayed),
            TraceFilter.Refused => trace.Outcome == TraceOutcome.Refused,
            TraceFilter.Later => trace.Outcome == TraceOutcome.Deferred,
            TraceFilter.Delivered => recipients.Any(r => r.Outcome is RecipientOutcome.Delivered or RecipientOutcome.Relayed),
            TraceFilter.InQueue => recipients.Any(r => r.Outcome is RecipientOutcome.Queued or RecipientOutcome.Deferred),
            TraceFilter.Held => recipients.Any(r => r.Outcome is RecipientOutcome.Held),
            TraceFilter.Failed => recipients.Any(r => r.Outcome is RecipientOutcome.Failed or RecipientOutcome.Expired),
            _ => recipients.Any(r => r.Outcome is RecipientOutcome.Removed or RecipientOutcome.Discarded or RecipientOutcome.Quarantined),
        };
    }
}
