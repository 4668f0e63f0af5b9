using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class TraceDetailTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_message_to_very_many_is_told_by_figures_and_its_recipients_come_in_pages(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var trace = TraceRows.At(TestDatabase.Start);
        await database.WriteAsync(trace, [.. Enumerable.Range(0, 700).Select(i => ($"r{i}@portal.test", i is 650 or 660 ? RecipientOutcome.Failed : RecipientOutcome.Delivered))]);
        var actor = TraceRows.With(Role.Administrator);
        using var sql = new SqlRecorder(database);

        var detail = (await database.Traces().GetAsync(actor, trace.QueueId, Cancel)).Value;

        Assert.Equal((698, 2, 700), (detail.Outcomes[RecipientOutcome.Delivered], detail.Outcomes[RecipientOutcome.Failed], detail.RecipientCount));
        Assert.Equal(("r650@portal.test", RecipientOutcome.Failed), (detail.Worst?.Recipient, detail.State));
        Assert.All(sql.Commands.Where(c => c.Text.Contains("\"TraceRecipient\"", StringComparison.Ordinal)), c => Assert.True(c.Text.Contains("GROUP BY", StringComparison.Ordinal) || c.Text.Contains("LIMIT", StringComparison.Ordinal), c.Text));

        var last = (await database.Traces().RecipientsAsync(actor, trace.QueueId, null, 650, 5_000, Cancel)).Value;
        Assert.Equal((700, 50, "r650@portal.test"), (last.Total, last.Rows.Count, last.Rows[0].Recipient));
        Assert.Equal(Paging.MaxTake, (await database.Traces().RecipientsAsync(actor, trace.QueueId, null, 0, 5_000, Cancel)).Value.Rows.Count);
        Assert.Equal("r660@portal.test", Assert.Single((await database.Traces().RecipientsAsync(actor, trace.QueueId, "r660@portal.test", 0, 50, Cancel)).Value.Rows).Recipient);
        Assert.IsType<NotPermitted>((await database.Traces().RecipientsAsync(TraceRows.With(Role.User), trace.QueueId, null, 0, 50, Cancel)).Refusal);
        Assert.IsType<NotFound>((await database.Traces().RecipientsAsync(actor, Guid.CreateVersion7(), null, 0, 50, Cancel)).Refusal);
    }
}
