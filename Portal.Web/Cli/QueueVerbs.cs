using System.CommandLine;
using System.Globalization;
using Portal.Core.Queue;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary><c>queue list</c> and <c>queue retry</c>.</summary>
internal static class QueueVerbs
{
    public static Command Create() => new("queue", CliText.Say("Queue")) { List(), Retry() };

    private static Command List()
    {
        var json = Output.JsonOption();
        return Verbs.Verb("list", CliText.Say("QueueList"), async (parsed, host, cancel) =>
        {
            var rows = new List<Row>();
            while (true)
            {
                var page = (await host.Get<QueueExport>().ListAsync(CommandHost.Actor, rows.Count == 0 ? 0 : rows[^1].Id, cancel)).OrRefuse();
                rows.AddRange(page.Select(Row.Of));
                if (page.Count < QueueExport.PageRows) break;
            }

            await Output.WriteAsync(rows, parsed.GetValue(json));
        }).With(json);
    }

    private static Command Retry()
    {
        var id = new Argument<string?>("ID") { Description = CliText.Say("QueueId"), Arity = ArgumentArity.ZeroOrOne };
        var recipient = new Option<string?>("--recipient") { Description = CliText.Say("QueueRecipient") };
        var all = new Option<bool>("--all") { Description = CliText.Say("QueueAll") };
        return Verbs.Verb("retry", CliText.Say("QueueRetry"), async (parsed, host, cancel) =>
        {
            var selection = (parsed.GetValue(id), parsed.GetValue(recipient), parsed.GetValue(all)) switch
            {
                ({ } one, null, false) when long.TryParse(one, CultureInfo.InvariantCulture, out var number) => QueueSelection.Of(number),
                ({ } one, null, false) when Guid.TryParse(one, out _) => QueueSelection.Matching(new QueueFilter { Text = one }),
                (null, { } whom, false) => QueueSelection.Matching(new QueueFilter { Recipient = whom }),
                (null, null, true) => QueueSelection.Matching(QueueFilter.All),
                _ => throw new StartRefused(CliText.Say("QueueRetryWhich")),
            };
            var done = (await host.Get<QueueService>().RetryAsync(CommandHost.Actor, selection, cancel)).OrRefuse();
            if (done is { Rows: 0, WorkId: null } && !parsed.GetValue(all)) throw new StartRefused(CliText.Say("QueueNothing", parsed.GetValue(id) ?? parsed.GetValue(recipient)));
            Console.WriteLine(done.WorkId is null ? CliText.Say("QueueRetried", done.Rows) : CliText.Say("QueueRetrying"));
        }).With(id, recipient, all);
    }

    private sealed record Row(
        long Id, Guid QueueId, QueueState State, string Sender, string Recipient, string Destination, DateTimeOffset CreatedAt, DateTimeOffset NextAttemptAt, int Attempts, DeferCause Cause, string? LastReply, long SizeBytes)
    {
        public static Row Of(QueueEntry e) => new(
            e.Id, e.QueueId, e.State, e.ReversePath, e.ForwardPath, e.RouteKey, e.CreatedAt, e.NextAttemptAt, e.Attempt, e.Cause, e.LastReply, e.SizeBytes);
    }
}
