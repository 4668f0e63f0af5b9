using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Mailboxes;

namespace Portal.Core.Quotas;

public enum QuotaVerdict
{
    Room,

    /// <summary>No room for this message now: 452 4.2.2.</summary>
    Full,

    /// <summary>More than 10 % over, or full (nothing left at all) for five days: 552 5.2.2.</summary>
    Exceeded,
}

/// <summary>What was decided, and from which figures; these are zero where no quota was asked.</summary>
public readonly record struct QuotaJudgement(QuotaVerdict Verdict, long UsedBytes, long QuotaBytes, DateTimeOffset? FullSince);

/// <summary>Whether a mailbox has room, from counters at most a second old. The overshoot is bounded by what was in flight (DESIGN §3).</summary>
public sealed class QuotaWatch(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    private const int MaxEntries = 200_000;
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FullForGood = TimeSpan.FromDays(5);
    private readonly ConcurrentDictionary<Guid, Use> uses = new();

    /// <summary>Judges a message of the declared size (0 when the client gave none) against the quota; null quota always has room.</summary>
    public async ValueTask<QuotaJudgement> JudgeAsync(Guid mailboxId, long? quotaBytes, long declaredSizeBytes, CancellationToken cancel)
    {
        if (quotaBytes is not { } quota) return default;
        var use = await UseAsync(mailboxId, cancel);
        if (use.Bytes > quota + quota / 10) return new(QuotaVerdict.Exceeded, use.Bytes, quota, null);
        if (use.Bytes < quota)
        {
            if (use.FullSince is not null) await NoteAsync(mailboxId, quota, isFull: false, cancel);
            return new(use.Bytes + declaredSizeBytes <= quota ? QuotaVerdict.Room : QuotaVerdict.Full, use.Bytes, quota, null);   // only this one is too large: no stranger starts the five days by a declared size
        }

        if (use.FullSince is null) await NoteAsync(mailboxId, quota, isFull: true, cancel);
        var isForGood = use.FullSince is { } since && clock.GetUtcNow() - since >= FullForGood;
        return new(isForGood ? QuotaVerdict.Exceeded : QuotaVerdict.Full, use.Bytes, quota, use.FullSince);
    }

    /// <summary>Ends "full since" where there is room again, in the caller's transaction, which has removed items.</summary>
    public static Task ClearFullAsync(PortalDbContext db, Guid mailboxId, CancellationToken cancel) =>
        Full(db).Where(u => u.MailboxId == mailboxId && db.Mailboxes.Any(m => m.Id == mailboxId && (m.QuotaOverrideBytes == null || u.Bytes < m.QuotaOverrideBytes)))
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.FullSince, (DateTimeOffset?)null), cancel);

    /// <summary>The same for mailboxes that the caller's transaction gives a new quota.</summary>
    public static Task ClearFullAsync(PortalDbContext db, IReadOnlyCollection<Guid> mailboxIds, long? quotaBytes, CancellationToken cancel) =>
        Full(db).Where(u => mailboxIds.Contains(u.MailboxId) && (quotaBytes == null || u.Bytes < quotaBytes))
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.FullSince, (DateTimeOffset?)null), cancel);

    private static IQueryable<MailboxUse> Full(PortalDbContext db) => db.MailboxUses.Where(u => u.FullSince != null);

    private async ValueTask<Use> UseAsync(Guid mailboxId, CancellationToken cancel)
    {
        if (uses.TryGetValue(mailboxId, out var known) && clock.GetElapsedTime(known.ReadAt) < MaxAge) return known;
        var readAt = clock.GetTimestamp();
        await using var db = await databases.CreateDbContextAsync(cancel);
        var row = await db.MailboxUses.AsNoTracking().SingleOrDefaultAsync(u => u.MailboxId == mailboxId, cancel);
        var use = new Use(row?.Bytes ?? 0, row?.FullSince, readAt);
        if (uses.Count >= MaxEntries) uses.Clear();
        uses[mailboxId] = use;
        return use;
    }

    /// <summary>The five days begin with the first refusal of a full mailbox; whoever makes room ends them, at the latest the next mail that finds it.</summary>
    private async Task NoteAsync(Guid mailboxId, long quota, bool isFull, CancellationToken cancel)
    {
        DateTimeOffset? since = isFull ? clock.GetUtcNow() : null;
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await db.MailboxUses.Where(u => u.MailboxId == mailboxId && u.FullSince == null == isFull && u.Bytes >= quota == isFull).ExecuteUpdateAsync(u => u.SetProperty(x => x.FullSince, since), cancel);
        uses.TryRemove(mailboxId, out _);
    }

    private sealed record Use(long Bytes, DateTimeOffset? FullSince, long ReadAt);
}
