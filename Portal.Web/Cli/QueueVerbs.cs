using System.CommandLine;
using System.Globalization;
using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary><c>queue list</c>, <c>queue retry</c> and <c>queue release</c>.</summary>
internal static class QueueVerbs
{
    public static Command Create() => new("queue", CliText.Say("Queue")) { List(), Retry(), Release() };

    private static Command List()
    {
        var json = Output.JsonOption();
        return Verbs.Verb("list", CliText.Say("QueueList"), async (parsed, host, cancel) =>
        {
            var rows = new List<Row>();
            while (true)
            {
                var page = (await host.Get<QueueService>().AfterAsync(CommandHost.Actor, QueueFilter.All, rows.Count == 0 ? 0 : rows[^1].Id, cancel)).OrRefuse();
                rows.AddRange(page.Select(Row.Of));
                if (page.Count < Paging.MaxTake) break;
            }

            await Output.WriteAsync(rows, parsed.GetValue(json));
        }).With(json);
    }

    private static Command Retry() => Act("retry", CliText.Say("QueueRetry"), async (queue, actor, selection, named, cancel) =>
    {
        var done = (await queue.RetryAsync(actor, selection, cancel)).OrRefuse();
        if (done.WorkId is not null) return CliText.Say("QueueInTurns");
        var held = await CountAsync(queue, selection, QueueState.Held, cancel);
        if (done.Rows > 0 || named is null) return held == 0 ? CliText.Say("QueueRetried", done.Rows) : CliText.Say("QueueRetriedNotHeld", done.Rows, held, named ?? "--all");
        if (held > 0) throw new StartRefused(CliText.Say("QueueHeld", held, named));
        throw await CountAsync(queue, selection, QueueState.Claimed, cancel) > 0 ? new StartRefused(CliText.Say("QueueClaimed", named)) : Nothing(named);
    });

    private static Command Release() => Act("release", CliText.Say("QueueRelease"), async (queue, actor, selection, named, cancel) =>
    {
        var done = (await queue.ReleaseAsync(actor, selection, cancel)).OrRefuse();
        if (done.WorkId is not null) return CliText.Say("QueueInTurns");
        if (done.Rows > 0 || named is null) return CliText.Say("QueueReleased", done.Rows);
        throw await CountAsync(queue, selection, null, cancel) > 0 ? new StartRefused(CliText.Say("QueueNotHeld", named)) : Nothing(named);
    });

    /// <summary>A verb for one entry, the entries of a message or of a recipient, or all.</summary>
    /// <param name="act">Does it and gives the sentence of success; <c>named</c> is what was named as it was typed, null for all.</param>
    private static Command Act(string name, string description, Func<QueueService, Actor, QueueSelection, string?, CancellationToken, Task<string>> act)
    {
        var id = new Argument<string?>("ID") { Description = CliText.Say("QueueId"), Arity = ArgumentArity.ZeroOrOne };
        var recipient = new Option<string?>("--recipient") { Description = CliText.Say("QueueRecipient") };
        var all = new Option<bool>("--all") { Description = CliText.Say("QueueAll") };
        var reason = Input.ReasonOption();
        return Verbs.Verb(name, description, async (parsed, host, cancel) =>
        {
            var (selection, named) = (parsed.GetValue(id), parsed.GetValue(recipient), parsed.GetValue(all)) switch
            {
                ({ } one, null, false) when long.TryParse(one, CultureInfo.InvariantCulture, out var number) => (QueueSelection.Of(number), one),
                ({ } one, null, false) when Guid.TryParse(one, out _) => (QueueSelection.Matching(new QueueFilter { Text = one }), one),
                (null, { } whom, false) => (QueueSelection.Matching(new QueueFilter { Recipient = whom }), $"--recipient {whom}"),
                (null, null, true) => (QueueSelection.Matching(QueueFilter.All), (string?)null),
                _ => throw new StartRefused(CliText.Say("QueueWhich")),
            };
            Console.WriteLine(await act(host.Get<QueueService>(), CommandHost.ActorOf(parsed, reason), selection, named, cancel));
        }).With(id, recipient, all, reason);
    }

    /// <summary>How many of the selected entries are in a state; null counts all.</summary>
    private static async Task<int> CountAsync(QueueService queue, QueueSelection selection, QueueState? state, CancellationToken cancel)
    {
        if (selection.Ids is not [var id])
            return (await queue.SearchAsync(CommandHost.Actor, selection.Filter with { State = state }, QueueSort.Age, false, 0, 1, cancel)).OrRefuse().Total;
        var found = await queue.GetAsync(CommandHost.Actor, id, cancel);
        return found.IsDone && (state is null || found.Value.State == state) ? 1 : 0;
    }

    private static StartRefused Nothing(string named) => new(CliText.Say("QueueNothing", named));

    private sealed record Row(
        long Id, Guid QueueId, QueueState State, string Sender, string Recipient, string Destination, DateTimeOffset CreatedAt, DateTimeOffset NextAttemptAt, int Attempts, DeferCause Cause, string? LastReply, long SizeBytes)
    {
        public static Row Of(QueueEntry e) => new(
            e.Id, e.QueueId, e.State, e.ReversePath, e.ForwardPath, e.RouteKey, e.CreatedAt, e.NextAttemptAt, e.Attempt, e.Cause, e.LastReply, e.SizeBytes);
    }
}
