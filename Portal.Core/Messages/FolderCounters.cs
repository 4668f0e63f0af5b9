using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>Folder ids by mailbox and special use: they never change while the mailbox lives.</summary>
internal sealed class FolderIds(IDbContextFactory<PortalDbContext> databases)
{
    private const int MaxEntries = 200_000;
    private readonly ConcurrentDictionary<(Guid Mailbox, SpecialUse Use), long> ids = new();

    /// <summary>The folder's id; null when the mailbox is gone.</summary>
    public async ValueTask<long?> FindAsync(Guid mailboxId, SpecialUse use, CancellationToken cancel = default)
    {
        if (ids.TryGetValue((mailboxId, use), out var known)) return known;
        await using var db = await databases.CreateDbContextAsync(cancel);
        var found = await db.Folders.AsNoTracking().Where(f => f.MailboxId == mailboxId && f.SpecialUse == use).Select(f => (long?)f.Id).FirstOrDefaultAsync(cancel);
        if (ids.Count > MaxEntries) ids.Clear();
        if (found is { } id) ids[(mailboxId, use)] = id;
        return found;
    }
}

/// <summary>The statements that move a folder's counters; the row's lock is held to commit, so order of MODSEQ is order of commit.</summary>
internal static class FolderCounters
{
    /// <summary>Takes UIDs and MODSEQs; holes: count, unseen, folder id. Returns the last of each.</summary>
    public const string AddSql = """
        UPDATE "Folder" SET "UidNext" = "UidNext" + {0}, "HighestModSeq" = "HighestModSeq" + {0}, "Items" = "Items" + {0}, "Unseen" = "Unseen" + {1}
        WHERE "Id" = {2} RETURNING "UidNext" - 1 AS "Uid", "HighestModSeq" AS "ModSeq"
        """;

    /// <summary>Takes <paramref name="count"/> UIDs and MODSEQs; returns the last of each, or null when the folder is gone.</summary>
    public static async Task<(long Uid, long ModSeq)?> AddAsync(PortalDbContext db, long folderId, int count, int unseen, CancellationToken cancel = default)
    {
        var rows = await db.Database.SqlQueryRaw<FolderPlace>(AddSql, count, unseen, folderId).ToListAsync(cancel);
        return rows is [var row] ? (row.Uid, row.ModSeq) : null;
    }

    /// <summary>Moves counters without new UIDs (flags, removals); returns the last MODSEQ, or null when the folder is gone.</summary>
    public static async Task<long?> ChangeAsync(PortalDbContext db, long folderId, int modSeqs, int items, int unseen, CancellationToken cancel = default)
    {
        var rows = await db.Database.SqlQuery<long>($"""
            UPDATE "Folder" SET "HighestModSeq" = "HighestModSeq" + {modSeqs}, "Items" = "Items" + {items}, "Unseen" = "Unseen" + {unseen}
            WHERE "Id" = {folderId} RETURNING "HighestModSeq" AS "Value"
            """).ToListAsync(cancel);
        return rows is [var modSeq] ? modSeq : null;
    }

    internal sealed record FolderPlace(long Uid, long ModSeq);
}
