using Portal.Core.Queue;

namespace Portal.Core.Reports;

/// <summary>What the first page of administrators answers: is mail flowing? Parts the actor may not see are null.</summary>
public sealed record OverviewFigures(FlowFigures? Flow, QueueFigures? Queue, StorageFigures? Storage, StartFigures? Start, DateTimeOffset At);

/// <summary>Messages of one span of time.</summary>
/// <param name="Received">Taken from other servers.</param>
/// <param name="Sent">Taken from our own people.</param>
/// <param name="Refused">Refused in the session, each counted.</param>
/// <param name="TurnedAway">Told to come back.</param>
/// <param name="Relayed">Their recipients that another system has taken over.</param>
/// <param name="Failed">Their recipients that failed or expired.</param>
public sealed record Flow(long Received, long Sent, long Refused, long TurnedAway, long Relayed = 0, long Failed = 0)
{
    public static readonly Flow None = new(0, 0, 0, 0);

    public static Flow operator +(Flow one, Flow other) => Add(one, other);

    public static Flow Add(Flow one, Flow other) => new(
        one.Received + other.Received, one.Sent + other.Sent, one.Refused + other.Refused, one.TurnedAway + other.TurnedAway, one.Relayed + other.Relayed, one.Failed + other.Failed);
}

/// <summary>Flow of one hour of the clock.</summary>
/// <param name="At">When it began.</param>
public sealed record FlowHour(DateTimeOffset At, Flow Flow);

/// <summary>Flow of the last hour and day, with the hour and day before to compare.</summary>
/// <param name="Hours">The last 24 hours of the clock, the running one last.</param>
/// <param name="Causes">The rules that refused most in the last day, most first, and how often each.</param>
public sealed record FlowFigures(Flow Hour, Flow HourBefore, Flow Day, Flow DayBefore, IReadOnlyList<FlowHour> Hours, IReadOnlyList<(string Rule, long Count)> Causes);

/// <param name="OldestAt">When the oldest entry came; null for an empty queue.</param>
public sealed record QueueFigures(IReadOnlyList<(DeferCause Cause, int Count)> Causes, int Total, int Held, DateTimeOffset? OldestAt);

/// <param name="IsDiskLow">True while no mail is taken for want of room.</param>
public sealed record StorageFigures(int Mailboxes, long UsedBytes, int NearlyFull, long DiskFreeBytes, bool IsDiskLow);

/// <summary>What a new system still has to do.</summary>
/// <param name="HasMailboxes">There is a mailbox besides the first administrator's.</param>
/// <param name="HasMailFromOutside">Another machine has delivered: the published MX is found.</param>
/// <param name="HasSent">Somebody here has sent.</param>
/// <param name="Domain">The first domain, A-label form; null when there is none.</param>
public sealed record StartFigures(bool HasMailboxes, bool HasMailFromOutside, bool HasSent, string? Domain, Guid? DomainId)
{
    public bool IsDone => HasMailboxes && HasMailFromOutside && HasSent;
}
