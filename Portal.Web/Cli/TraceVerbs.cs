using System.CommandLine;
using Portal.Core;
using Portal.Core.Addresses;
using Portal.Core.Trace;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary><c>trace find</c>: what became of the mail for somebody, refused mail too.</summary>
internal static class TraceVerbs
{
    private const int DefaultLimit = 1000;
    private const int MaxLimit = 100_000;

    public static Command Create() => new("trace", CliText.Say("Trace")) { Find() };

    private static Command Find()
    {
        var recipient = new Option<string>("--recipient") { Description = CliText.Say("TraceRecipient"), Required = true };
        var limit = new Option<int>("--limit") { Description = CliText.Say("TraceLimit"), DefaultValueFactory = _ => DefaultLimit };
        var json = Output.JsonOption();
        return Verbs.Verb("find", CliText.Say("TraceFind"), async (parsed, host, cancel) =>
        {
            if (!MailAddress.TryParse(parsed.GetRequiredValue(recipient), out var address)) throw new StartRefused(CliText.Say("BadAddress", parsed.GetRequiredValue(recipient)));
            var most = parsed.GetValue(limit);
            if (most is < 1 or > MaxLimit) throw new StartRefused(CliText.Say("BadLimit", most, MaxLimit));
            var (found, isPartial) = await FindAsync(host.Get<TraceService>(), address.Folded, most + 1, cancel);
            var isMore = found.Count > most;
            if (isMore) found.RemoveRange(most, found.Count - most);
            if (parsed.GetValue(json)) await Output.WriteAsync(found, asJson: true);
            else await Output.WriteAsync([.. found.Select(f => new Line(f.At, f.QueueId, f.Sender, f.Recipient, f.Outcome, f.Rule, f.Reply))], asJson: false);
            if (isMore) await Console.Error.WriteLineAsync(CliText.Say("TraceMore", most));
            if (isPartial) await Console.Error.WriteLineAsync(CliText.Say("TracePartial"));
        }).With(recipient, limit, json);
    }

    /// <summary>At least <paramref name="enough"/> rows where there are so many, and whether some mail could not be searched yet.</summary>
    private static async Task<(List<Found> Found, bool IsPartial)> FindAsync(TraceService traces, string recipient, int enough, CancellationToken cancel)
    {
        var found = new List<Found>();
        var isPartial = false;
        Guid? before = null;
        do
        {
            var page = (await traces.SearchAsync(CommandHost.Actor, new TraceQuery { Text = recipient, Before = before, Limit = TraceQuery.MaxLimit }, cancel)).OrRefuse();
            foreach (var row in page.Rows)
            {
                if (found.Count >= enough) return (found, isPartial);
                var detail = (await traces.GetAsync(CommandHost.Actor, row.Trace.QueueId, cancel)).OrRefuse();
                var own = (await traces.RecipientsAsync(CommandHost.Actor, row.Trace.QueueId, recipient, 0, Paging.MaxTake, cancel)).OrRefuse();
                found.AddRange(own.Rows.Select(r => Found.Of(detail, r)));   // the search also finds what they sent
            }

            isPartial |= page.IsPartial;
            before = page.Next;
        }
        while (before is not null);
        return (found, isPartial);
    }

    private sealed record Line(DateTimeOffset At, Guid QueueId, string? Sender, string Recipient, RecipientOutcome Outcome, string? Rule, string? Reply);

    private sealed record Step(DateTimeOffset At, TraceEventKind Kind, IReadOnlyList<TraceFact> Facts);

    private sealed record Found(
        Guid QueueId, DateTimeOffset At, TraceSource Source, string? ClientAddress, string? Sender, string? MessageId, long SizeBytes, string Recipient, RecipientOutcome Outcome, string? Rule, string? Reply, DateTimeOffset UpdatedAt, IReadOnlyList<Step> Events)
    {
        public static Found Of(TraceDetail detail, TraceRecipient recipient) => new(
            detail.Trace.QueueId, detail.Trace.At, detail.Trace.Source, detail.Trace.ClientAddress, detail.Trace.ReversePath, detail.Trace.MessageIdHeader, detail.Trace.SizeBytes,
            recipient.Recipient, recipient.Outcome, recipient.Rule ?? detail.Trace.Rule, recipient.Reply ?? detail.Trace.Reply, recipient.UpdatedAt, [.. detail.Events.Select(e => new Step(e.At, e.Kind, e.Facts))]);
    }
}
