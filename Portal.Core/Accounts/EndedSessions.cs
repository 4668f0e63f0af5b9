using System.Diagnostics.CodeAnalysis;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Accounts;

/// <summary>
/// Which sessions of the portal were ended before their time. Asked at each action of everybody, so all of them are held in memory and
/// read again at a hint, by one for all who ask.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to dispose.")]
public sealed class EndedSessions
{
    private static readonly TimeSpan MaxAgeWithoutFeed = TimeSpan.FromSeconds(1);
    private readonly IDbContextFactory<PortalDbContext> databases;
    private readonly WriteGate gate;
    private readonly ChangeFeed feed;
    private readonly TimeProvider clock;
    private readonly SemaphoreSlim reading = new(1, 1);
    private long generation;
    private Known? known;

    public EndedSessions(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, TimeProvider clock)
    {
        (this.databases, this.gate, this.feed, this.clock) = (databases, gate, feed, clock);
        _ = feed.Subscribe((area, _) =>
        {
            if (area == Change.Sessions) Interlocked.Increment(ref generation);
        });   // lives as long as the process, like its owner
    }

    public async ValueTask<bool> HasEndedAsync(Guid sessionId, CancellationToken cancel)
    {
        if (Fresh() is { } held) return held.Ids.Contains(sessionId);

        await reading.WaitAsync(cancel);
        try
        {
            held = Fresh() ?? (known = await ReadAsync(cancel));
        }
        finally
        {
            reading.Release();
        }

        return held.Ids.Contains(sessionId);
    }

    /// <summary>Ends a session on every node; again is nothing.</summary>
    /// <param name="expiresAt">When it would have ended by itself.</param>
    public async Task EndAsync(Guid sessionId, DateTimeOffset expiresAt, CancellationToken cancel)
    {
        try
        {
            using var turn = await gate.EnterAsync(cancel);
            await using var db = await databases.CreateDbContextAsync(cancel);
            db.EndedSessions.Add(new EndedSession { Id = sessionId, ExpiresAt = expiresAt });
            db.Raise(Change.Sessions);
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            // Another of its pages ended it in the same moment.
        }
    }

    private Known? Fresh()
    {
        var held = Volatile.Read(ref known);
        if (held is null) return null;
        return held.Generation == Interlocked.Read(ref generation) && (feed.IsLive || clock.GetElapsedTime(held.ReadAt) < MaxAgeWithoutFeed) ? held : null;
    }

    private async Task<Known> ReadAsync(CancellationToken cancel)
    {
        var (before, readAt, now) = (Interlocked.Read(ref generation), clock.GetTimestamp(), clock.GetUtcNow());
        await using var db = await databases.CreateDbContextAsync(cancel);
        var ids = await db.EndedSessions.AsNoTracking().Where(s => s.ExpiresAt > now).Select(s => s.Id).ToListAsync(cancel);
        return new([.. ids], before, readAt);
    }

    private sealed record Known(HashSet<Guid> Ids, long Generation, long ReadAt);
}
