using System.Linq.Expressions;

namespace Portal.Core.Trace;

/// <summary>A message's fate in one word, for a list: the outcome of the recipient that most asks for attention.</summary>
public static class TraceStates
{
    private static readonly Dictionary<TraceFilter, Func<MessageTrace, bool>> Compiled =
        Enum.GetValues<TraceFilter>().Select(f => (Filter: f, Meaning: OfTrace(f))).Where(f => f.Meaning is not null).ToDictionary(f => f.Filter, f => f.Meaning!.Compile());

    private static readonly RecipientOutcome[] Order =
    [
        RecipientOutcome.Failed, RecipientOutcome.Expired, RecipientOutcome.Held, RecipientOutcome.Quarantined, RecipientOutcome.Deferred,
        RecipientOutcome.Queued, RecipientOutcome.Removed, RecipientOutcome.Discarded, RecipientOutcome.Refused, RecipientOutcome.Relayed, RecipientOutcome.Delivered,
    ];

    /// <summary>0 asks most for attention.</summary>
    public static int RankOf(RecipientOutcome outcome) => Array.IndexOf(Order, outcome);

    /// <summary>What a list shows for a message; null when the session got nowhere near a recipient and nothing was refused.</summary>
    public static RecipientOutcome? StateOf(MessageTrace trace, IEnumerable<RecipientOutcome> recipients) => trace.Outcome switch
    {
        TraceOutcome.Refused => RecipientOutcome.Refused,
        TraceOutcome.Deferred => RecipientOutcome.Deferred,
        _ => recipients.Select(o => (RecipientOutcome?)o).OrderBy(o => RankOf(o!.Value)).FirstOrDefault(),
    };

    /// <summary>What a filter means of the trace itself; null for those that a recipient's outcome decides.</summary>
    public static Expression<Func<MessageTrace, bool>>? OfTrace(TraceFilter filter) => filter switch
    {
        TraceFilter.Received => t => t.Source == TraceSource.Mx && t.Outcome == TraceOutcome.Accepted,
        TraceFilter.Sent => t => (t.Source == TraceSource.Submission || t.Source == TraceSource.Portal) && t.Outcome == TraceOutcome.Accepted,
        // Two conditions, though one says it: the partial index has the second (MessageTrace.cs).
        TraceFilter.Refused => t => t.Outcome == TraceOutcome.Refused && t.Outcome != TraceOutcome.Accepted,
        TraceFilter.Later => t => t.Outcome == TraceOutcome.Deferred && t.Outcome != TraceOutcome.Accepted,
        _ => null,
    };

    /// <summary>The same for a trace at hand.</summary>
    public static Func<MessageTrace, bool>? IsOfTrace(TraceFilter filter) => Compiled.GetValueOrDefault(filter);

    /// <summary>The outcomes of recipients a filter means; empty for those that the trace itself decides.</summary>
    public static IReadOnlyList<RecipientOutcome> OutcomesOf(TraceFilter filter) => filter switch
    {
        TraceFilter.Delivered => [RecipientOutcome.Delivered, RecipientOutcome.Relayed],
        TraceFilter.Relayed => [RecipientOutcome.Relayed],
        TraceFilter.InQueue => [RecipientOutcome.Queued, RecipientOutcome.Deferred],
        TraceFilter.Held => [RecipientOutcome.Held],
        TraceFilter.Failed => [RecipientOutcome.Failed, RecipientOutcome.Expired],
        TraceFilter.SetAside => [RecipientOutcome.Removed, RecipientOutcome.Discarded, RecipientOutcome.Quarantined],
        _ => [],
    };
}
