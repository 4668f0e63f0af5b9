using Microsoft.Extensions.Options;
using Portal.Core.Queue;

namespace Portal.Smtp.Delivery;

/// <summary>When mail is tried again: the first wait doubles with each try up to the longest, give or take some chance (RFC 5321 §4.5.4.1).</summary>
internal sealed class RetrySchedule(IOptions<DeliveryOptions> options, TimeProvider clock)
{
    /// <summary>The next try; never later than the entry's end, so that giving up is on time.</summary>
    public DateTimeOffset NextAttempt(QueueEntry entry)
    {
        var next = clock.GetUtcNow() + Wait(entry.Attempt, Random.Shared.NextDouble());
        return next < entry.ExpiresAt ? next : entry.ExpiresAt;
    }

    /// <param name="attempt">Tries so far, from 1.</param>
    /// <param name="chance">0 to 1, exclusive.</param>
    public TimeSpan Wait(int attempt, double chance)
    {
        var settings = options.Value;
        var doublings = Math.Clamp(attempt - 1, 0, 30);
        var wait = Math.Min(settings.FirstRetry.Ticks * Math.Pow(2, doublings), settings.MaxRetry.Ticks);
        return TimeSpan.FromTicks((long)(wait * (1 + (settings.RetryJitter * ((2 * chance) - 1)))));
    }

    public bool IsExpired(QueueEntry entry) => clock.GetUtcNow() >= entry.ExpiresAt;

    /// <summary>Whether its sender is to be told now that it is late.</summary>
    public bool IsLate(QueueEntry entry) => !entry.DelayNoticeSent && clock.GetUtcNow() - entry.CreatedAt >= options.Value.DelayNotice;
}
