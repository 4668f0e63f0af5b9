using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>
/// Deletes content that nobody refers to any more and that is older than 24 h (DESIGN §5). There is no reference counter: the foreign keys
/// refuse the loser of a race. A blob goes only after the commit that removed its row.
/// </summary>
public sealed class ContentSweeper(IDbContextFactory<PortalDbContext> databases, WriteGate gate, IBlobStore blobs, TimeProvider clock)
{
    /// <summary>What is younger is left alone: somebody may be about to refer to it.</summary>
    public static readonly TimeSpan LeastAge = TimeSpan.FromHours(24);

    private const int TurnRows = 500;

    /// <summary>Messages one turn walks over at most, so that no read stays open behind which the WAL grows; PostgreSQL reads three pages for each.</summary>
    internal int WalkRows { get; set; } = 4_000;

    /// <summary>Runs between the look at what nobody refers to and its deletion; a test puts a delivery there.</summary>
    internal Func<Task>? BeforeDelete { get; set; }

    /// <summary>One turn over the messages after <paramref name="cursor"/>.</summary>
    /// <param name="cursor">0 to begin, else the cursor of the turn before.</param>
    /// <returns>Where the next turn begins (null at the end) and how many messages went.</returns>
    public async Task<(long? Cursor, int Deleted)> SweepAsync(long cursor, CancellationToken cancel)
    {
        var before = clock.GetUtcNow() - LeastAge;
        var (unused, next) = await LookAsync(cursor, before, cancel);
        if (unused.Count == 0) return (next, 0);
        if (BeforeDelete is { } pause) await pause();

        // One refused row refuses them all: then each alone, and only the one that is referred to again stays.
        var gone = await TryDeleteAsync(unused, cancel) ? unused : [];
        if (gone.Count == 0)
        {
            foreach (var one in unused)
                if (await TryDeleteAsync([one], cancel)) gone.Add(one);
        }

        foreach (var one in gone)
            if (one.BlobKey is { } key) blobs.Delete(key);
        return (next, gone.Count);
    }

    /// <summary>Deletes blobs no row names: what a crash left between blob and transaction, or between transaction and deletion.</summary>
    /// <returns>How many went.</returns>
    public async Task<int> SweepBlobsAsync(CancellationToken cancel)
    {
        var before = clock.GetUtcNow() - LeastAge;
        var deleted = blobs.DeleteAbandoned(before);
        foreach (var keys in blobs.List().Where(b => b.StoredAt < before).Select(b => b.Key).Chunk(TurnRows))
        {
            foreach (var key in keys.Except(await NamedAsync(keys, cancel)))
            {
                // Read again, for this one alone, right before it goes.
                if ((await NamedAsync([key], cancel)).Count > 0) continue;
                blobs.Delete(key);
                deleted++;
            }
        }

        return deleted;
    }

    /// <summary>What nobody refers to among the messages after the cursor, and where the next turn begins.</summary>
    private async Task<(List<Unused> Unused, long? Next)> LookAsync(long cursor, DateTimeOffset before, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var last = await db.Messages.Where(m => m.Id > cursor).OrderBy(m => m.Id).Select(m => m.Id).Skip(WalkRows - 1).FirstOrDefaultAsync(cancel);
        var end = last == 0 ? long.MaxValue : last;
        // The messages are walked, not their contents: SQLite would read every stored byte to come to the columns behind it.
        var ids = await db.Messages
            .Where(m => m.Id > cursor && m.Id <= end && m.ReceivedAt < before && !db.MailItems.Any(i => i.MessageId == m.Id) && !db.QueueEntries.Any(e => e.MessageId == m.Id) && !db.QuarantineItems.Any(q => q.MessageId == m.Id))
            .OrderBy(m => m.Id).Take(TurnRows).Select(m => m.Id).ToListAsync(cancel);
        var unused = ids.Count == 0 ? [] : await db.Contents.Where(c => ids.Contains(c.MessageId) && c.StoredAt < before).Select(c => new Unused(c.MessageId, c.BlobKey)).ToListAsync(cancel);
        return (unused, ids.Count == TurnRows ? ids[^1] : last == 0 ? null : last);
    }

    private async Task<List<Guid>> NamedAsync(Guid[] keys, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Contents.Where(c => c.BlobKey != null && keys.Contains(c.BlobKey.Value)).Select(c => c.BlobKey!.Value).ToListAsync(cancel);
    }

    private async Task<bool> TryDeleteAsync(List<Unused> unused, CancellationToken cancel)
    {
        var ids = unused.Select(u => u.MessageId).ToList();
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        try
        {
            await db.Contents.Where(c => ids.Contains(c.MessageId)).ExecuteDeleteAsync(cancel);
            await db.Messages.Where(m => ids.Contains(m.Id)).ExecuteDeleteAsync(cancel);
            await transaction.CommitAsync(cancel);
            return true;
        }
        catch (DbException e) when (DatabaseErrors.IsReferenced(e))
        {
            return false;
        }
    }

    private readonly record struct Unused(long MessageId, Guid? BlobKey);
}
