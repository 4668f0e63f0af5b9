using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;

namespace Portal.Core.Queue;

/// <summary>Which entries are meant; every part given must match.</summary>
public sealed record QueueFilter
{
    public static readonly QueueFilter All = new();

    /// <summary>Part of a recipient, sender or destination, or a whole queue id.</summary>
    public string? Text { get; init; }

    /// <summary>Whole recipient address, as the envelope has it.</summary>
    public string? Recipient { get; init; }

    public DeferCause? Cause { get; init; }

    /// <summary>Destination domain, or "host:port" of a smart host.</summary>
    public string? RouteKey { get; init; }

    public QueueState? State { get; init; }

    internal IQueryable<QueueEntry> Apply(IQueryable<QueueEntry> entries)
    {
        if (!string.IsNullOrWhiteSpace(Text))
        {
            var text = Text.Trim();
            if (Guid.TryParse(text, out var queueId)) entries = entries.Where(e => e.QueueId == queueId);
            else entries = Containing(entries, text);
        }

        if (Recipient is { } recipient) entries = Addressed(entries, recipient);
        if (Cause is { } cause) entries = entries.Where(e => e.Cause == cause);
        if (RouteKey is { } routeKey) entries = entries.Where(e => e.RouteKey == routeKey);
        if (State is { } state) entries = entries.Where(e => e.State == state);
        return entries;
    }

    // The two databases differ in what LIKE folds; lower() on both sides is the same on both.
    private static IQueryable<QueueEntry> Containing(IQueryable<QueueEntry> entries, string text)
    {
        var pattern = $"%{text.ToLowerInvariant().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
#pragma warning disable CA1304, CA1311, CA1862   // translated to SQL
        return entries.Where(e => EF.Functions.Like(e.ForwardPath.ToLower(), pattern, "\\")
            || EF.Functions.Like(e.ReversePath.ToLower(), pattern, "\\")
            || EF.Functions.Like(e.RouteKey.ToLower(), pattern, "\\"));
    }

    private static IQueryable<QueueEntry> Addressed(IQueryable<QueueEntry> entries, string recipient)
    {
        var folded = recipient.Trim().ToLowerInvariant();
        return entries.Where(e => e.ForwardPath.ToLower() == folded);
#pragma warning restore CA1304, CA1311, CA1862
    }
}

/// <summary>What a list of entries is sorted by.</summary>
public enum QueueSort
{
    NextAttempt,
    Age,
    Recipient,
    Sender,
    Destination,
    Attempts,
    Size,
}

/// <summary>The entries an act is for: named ones, or all that match a filter when it is decided.</summary>
public sealed record QueueSelection
{
    private QueueSelection()
    {
    }

    /// <summary>Entries by id; null when a filter says it.</summary>
    public IReadOnlyList<long>? Ids { get; private init; }

    public QueueFilter Filter { get; private init; } = QueueFilter.All;

    public static QueueSelection Of(params IReadOnlyList<long> ids) => new() { Ids = ids };

    public static QueueSelection Matching(QueueFilter filter) => new() { Filter = filter };

    internal IQueryable<QueueEntry> Apply(IQueryable<QueueEntry> entries) =>
        Ids is { } ids ? entries.Where(e => ids.Contains(e.Id)) : Filter.Apply(entries);

    /// <summary>What the audit says it was for.</summary>
    internal string Describe() => AuditTarget.Of(Ids, ("text", Filter.Text), ("recipient", Filter.Recipient), ("cause", Filter.Cause), ("destination", Filter.RouteKey), ("state", Filter.State));
}

/// <summary>Entries that wait for the same reason at the same destination.</summary>
/// <param name="Cause">Why they wait; <see cref="DeferCause.None"/> when nothing went wrong yet.</param>
/// <param name="RouteKey">Destination domain, or "host:port" of a smart host.</param>
/// <param name="Held">How many of them are held.</param>
public sealed record QueueGroup(DeferCause Cause, string RouteKey, int Count, int Held, DateTimeOffset Oldest, DateTimeOffset NextAttemptAt, string? LastReply)
{
    /// <summary>What became of the last try of all of them alike, a key of the Rules resource; null where it differs, or before the first.</summary>
    public string? Rule { get; init; }
}

/// <summary>What became of an act on entries.</summary>
/// <param name="Rows">Entries changed at once.</param>
/// <param name="WorkId">The work that carries it out when there were more than <see cref="QueueService.MaxRowsAtOnce"/>; null when it is all done.</param>
public sealed record QueueActResult(int Rows, long? WorkId)
{
    /// <summary>Ids of the entries changed at once: what the opposite act is for.</summary>
    public IReadOnlyList<long> Changed { get; init; } = [];
}
