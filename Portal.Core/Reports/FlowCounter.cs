using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Trace;

namespace Portal.Core.Reports;

/// <summary>
/// Counts the trace by time: what is over is counted once, by hours and by pieces of five minutes, and kept in
/// memory. There is no counter in the database: a row that every commit of mail raises is one that all of them wait for.
/// </summary>
public sealed class FlowCounter : IDisposable
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Slot = TimeSpan.FromMinutes(5);

    /// <summary>A queue id is made at MAIL and its row when the message is in, at the latest when the session of 30 minutes ends (DESIGN §10): until then a piece may still grow.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(35);

    /// <summary>What may still change is read again after this time.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Kept = TimeSpan.FromHours(50);

    private readonly SemaphoreSlim turn = new(1);
    private readonly Dictionary<TimeRange, Piece> kept = [];

    /// <summary>Counts each span.</summary>
    /// <param name="spans">None longer ago than two days; one that ends after <paramref name="now"/> has no end.</param>
    internal async Task<IReadOnlyList<FlowCounts>> CountAsync(PortalDbContext db, DateTimeOffset now, IReadOnlyList<TimeRange> spans, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);   // of two who ask at once, the second finds it counted
        try
        {
            foreach (var old in kept.Keys.Where(k => k.Until < now - Kept).ToList()) kept.Remove(old);
            var open = new Dictionary<TimeRange, Piece>();
            List<FlowCounts> counted = [];
            foreach (var span in spans)
            {
                var sum = FlowCounts.None;
                foreach (var part in PartsOf(span, now)) sum += await CountAsync(db, part, now, IsWhole(part, now) ? kept : open, cancel);
                counted.Add(sum);
            }

            return counted;
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    /// <summary>Whole hours and whole pieces of five minutes, with what is left over at both ends.</summary>
    private static IEnumerable<TimeRange> PartsOf(TimeRange span, DateTimeOffset now)
    {
        for (var at = span.From; at < span.Until;)
        {
            var end = IsOn(at, Hour) && at + Hour <= now && at + Hour <= span.Until ? at + Hour : Floor(at, Slot) + Slot;
            if (end > now || end > span.Until) end = span.Until;
            yield return new(at, end);
            at = end;
        }
    }

    private static bool IsWhole(TimeRange part, DateTimeOffset now) => part.Until <= now && IsOn(part.From, Slot) && IsOn(part.Until, Slot);

    private static bool IsOn(DateTimeOffset at, TimeSpan step) => at.UtcTicks % step.Ticks == 0;

    private static DateTimeOffset Floor(DateTimeOffset at, TimeSpan step) => at - TimeSpan.FromTicks(at.UtcTicks % step.Ticks);

    private static async Task<FlowCounts> CountAsync(PortalDbContext db, TimeRange part, DateTimeOffset now, Dictionary<TimeRange, Piece> pieces, CancellationToken cancel)
    {
        if (!pieces.TryGetValue(part, out var piece)) pieces[part] = piece = new Piece();
        var isEmpty = piece.Messages?.Flow == Flow.None;   // costs nothing to read, and a backup or invented data may fill the past
        if (piece.Messages is null || ((isEmpty || piece.MessagesReadAt < part.Until + Settling) && now - piece.MessagesReadAt >= Pause))
            (piece.Messages, piece.MessagesReadAt) = (await MessagesAsync(db, part, cancel), now);

        // The older a message, the rarer its next try: what becomes of it is looked for in proportion.
        var every = (now - part.Until) / 20;
        if (piece.Recipients is null || now - piece.RecipientsReadAt >= (isEmpty || every < Pause ? Pause : every))
            (piece.Recipients, piece.RecipientsReadAt) = (await RecipientsAsync(db, part, cancel), now);
        return piece.Messages + piece.Recipients;
    }

    // A range of time is a range of queue ids: the key itself answers.
    private static async Task<FlowCounts> MessagesAsync(PortalDbContext db, TimeRange part, CancellationToken cancel)
    {
        var (lowest, beyond) = (TraceIds.LowestAt(part.From), TraceIds.LowestAt(part.Until));
        var groups = await db.Traces
            .Where(t => t.QueueId >= lowest && t.QueueId < beyond)
            .GroupBy(t => new { t.Source, t.Outcome, Rule = t.Outcome == TraceOutcome.Refused ? t.Rule : null })
            .Select(g => new { g.Key.Source, g.Key.Outcome, g.Key.Rule, Count = g.Sum(t => (long)t.Count) })
            .ToListAsync(cancel);
        return new FlowCounts(
            new Flow(
                groups.Where(g => g is { Source: TraceSource.Mx, Outcome: TraceOutcome.Accepted }).Sum(g => g.Count),
                groups.Where(g => g is { Source: TraceSource.Submission or TraceSource.Portal, Outcome: TraceOutcome.Accepted }).Sum(g => g.Count),
                groups.Where(g => g.Outcome == TraceOutcome.Refused).Sum(g => g.Count),
                groups.Where(g => g.Outcome == TraceOutcome.Deferred).Sum(g => g.Count)),
            groups.Where(g => g.Rule is not null).GroupBy(g => g.Rule!).ToDictionary(g => g.Key, g => g.Sum(r => r.Count)));
    }

    private static async Task<FlowCounts> RecipientsAsync(PortalDbContext db, TimeRange part, CancellationToken cancel)
    {
        var (lowest, beyond) = (TraceIds.LowestAt(part.From), TraceIds.LowestAt(part.Until));
        var groups = await db.TraceRecipients
            .Where(r => r.QueueId >= lowest && r.QueueId < beyond && (r.Outcome == RecipientOutcome.Relayed || r.Outcome == RecipientOutcome.Failed || r.Outcome == RecipientOutcome.Expired))
            .GroupBy(r => r.Outcome)
            .Select(g => new { g.Key, Count = g.LongCount() })
            .ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        var failed = groups.GetValueOrDefault(RecipientOutcome.Failed) + groups.GetValueOrDefault(RecipientOutcome.Expired);
        return FlowCounts.None with { Flow = Flow.None with { Relayed = groups.GetValueOrDefault(RecipientOutcome.Relayed), Failed = failed } };
    }

    private sealed class Piece
    {
        public FlowCounts? Messages { get; set; }

        public DateTimeOffset MessagesReadAt { get; set; }

        public FlowCounts? Recipients { get; set; }

        public DateTimeOffset RecipientsReadAt { get; set; }
    }
}

/// <summary>From one moment up to another, which is not part of it.</summary>
internal readonly record struct TimeRange(DateTimeOffset From, DateTimeOffset Until);

/// <summary>What was counted in a span.</summary>
/// <param name="Rules">How often each rule refused.</param>
internal sealed record FlowCounts(Flow Flow, IReadOnlyDictionary<string, long> Rules)
{
    public static readonly FlowCounts None = new(Flow.None, new Dictionary<string, long>());

    public static FlowCounts operator +(FlowCounts one, FlowCounts other) => new(
        one.Flow + other.Flow,
        one.Rules.Count == 0 ? other.Rules : other.Rules.Count == 0 ? one.Rules : one.Rules.Concat(other.Rules).GroupBy(r => r.Key).ToDictionary(g => g.Key, g => g.Sum(r => r.Value)));
}
