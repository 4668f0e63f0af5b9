using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;

namespace Portal.Core.Accounts;

/// <summary>
/// When the people of open sessions were last there. Asked at each action, so memory answers; what other nodes saw, and this one before a
/// restart, the database tells, which hears of a session every two minutes at most.
/// </summary>
public sealed partial class SessionUses(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock, ILogger<SessionUses> logger)
{
    /// <summary>How much later a stored use may be than the last one stored.</summary>
    internal static readonly TimeSpan WriteEvery = TimeSpan.FromMinutes(2);

    private const int MaxRemembered = 10_000;
    private readonly ConcurrentDictionary<Guid, Seen> seen = new();

    /// <summary>Whether the person was there at this instant or later.</summary>
    public async ValueTask<bool> IsUsedSinceAsync(Guid sessionId, DateTimeOffset since, CancellationToken cancel)
    {
        if (seen.TryGetValue(sessionId, out var here) && here.At >= since) return true;

        await using var db = await databases.CreateDbContextAsync(cancel);
        var stored = await db.SessionUses.AsNoTracking().Where(u => u.Id == sessionId).Select(u => (DateTimeOffset?)u.SeenAt).SingleOrDefaultAsync(cancel);
        if (stored is not { } at || at < since) return false;
        Remember(sessionId, at, at);
        return true;
    }

    /// <summary>The person is there now.</summary>
    /// <param name="expiresAt">When the session ends in any case.</param>
    /// <param name="isStored">Whether other nodes, and this one after a restart, need to know.</param>
    public async Task UseAsync(Guid sessionId, DateTimeOffset expiresAt, bool isStored, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var storedAt = seen.TryGetValue(sessionId, out var here) ? here.StoredAt : DateTimeOffset.MinValue;
        var isDue = isStored && now - storedAt >= WriteEvery;
        Remember(sessionId, now, isDue ? now : storedAt);   // before the wait: of several requests at once one writes
        if (isDue) await StoreAsync(sessionId, now, expiresAt, cancel);
    }

    private async Task StoreAsync(Guid sessionId, DateTimeOffset now, DateTimeOffset expiresAt, CancellationToken cancel)
    {
        try
        {
            using var turn = await gate.EnterAsync(cancel);
            await using var db = await databases.CreateDbContextAsync(cancel);
            if (await db.SessionUses.Where(u => u.Id == sessionId).ExecuteUpdateAsync(u => u.SetProperty(x => x.SeenAt, now), cancel) == 1) return;
            db.SessionUses.Add(new SessionUse { Id = sessionId, SeenAt = now, ExpiresAt = expiresAt });
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            // Another node saw the person in the same moment.
        }
        catch (Exception e) when (e.IsOutage())
        {
            LogUnwritten(logger, e);   // this node remembers; others hear of the next sign that can be written
        }
    }

    private void Remember(Guid sessionId, DateTimeOffset at, DateTimeOffset storedAt)
    {
        if (seen.Count >= MaxRemembered) seen.Clear();   // the database knows all but the last two minutes
        seen.AddOrUpdate(sessionId, _ => new(at, storedAt), (_, known) => new(Later(known.At, at), Later(known.StoredAt, storedAt)));
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    [LoggerMessage(Level = LogLevel.Warning, Message = "That somebody is there could not be written")]
    private static partial void LogUnwritten(ILogger logger, Exception error);

    private sealed record Seen(DateTimeOffset At, DateTimeOffset StoredAt);
}
