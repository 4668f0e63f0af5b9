using Bunit;
using Portal.Core.Trace;
using Portal.Web.Admin.Trace;
using TraceRows = Portal.Tests.Core.Trace.TraceRows;

namespace Portal.Tests.Web.Admin;

/// <summary>How a message's page words what decided.</summary>
public sealed class TraceTimelineTests : PartsContext
{
    [Fact]
    public void Sizes_and_times_that_decided_are_worded_for_people()
    {
        var fact = new TraceFact("recipient.quotaExceeded", new Dictionary<string, string>
        {
            ["mailbox"] = "full@portal.test",
            ["usedBytes"] = "52428801",
            ["quotaBytes"] = "52428800",
            ["fullSince"] = "2026-03-01T10:20:30.0000000+00:00",
        });
        var step = new TraceStep(Guid.CreateVersion7(), DateTimeOffset.UnixEpoch, TraceEventKind.Session, [fact], new Dictionary<string, string>());
        var detail = new TraceDetail(TraceRows.At(DateTimeOffset.UnixEpoch), null, new Dictionary<RecipientOutcome, int>(), null, [step]);

        var inputs = Render<TraceTimeline>(p => p.Add(t => t.Detail, detail)).FindAll(".inputs div").Select(row => $"{row.QuerySelector("dt")!.TextContent}: {row.QuerySelector("dd")!.TextContent}");

        Assert.Equal(
            ["Rule: recipient.quotaExceeded", "Mailbox: full@portal.test", "Space used: 50 MB (52,428,801 B)", "Quota: 50 MB (52,428,800 B)", "Full since: 2026-03-01 10:20:30"],
            inputs);
    }
}
