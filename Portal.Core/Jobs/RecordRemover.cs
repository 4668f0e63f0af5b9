using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Data;

namespace Portal.Core.Jobs;

/// <summary>Removes by age what nobody needs any more: sign-ins, one-time links, ended sessions, finished work and what other hosts once confirmed. Each call is one turn.</summary>
public sealed class RecordRemover(IDbContextFactory<PortalDbContext> databases, WriteGate gate)
{
    /// <summary>Most rows of a turn (DESIGN §5).</summary>
    internal const int MaxRows = 500;

    /// <summary>Sign-ins before then, but for the last successful one of each account: lists show it, and it tells who has never signed in.</summary>
    /// <param name="after">Where the turn before ended; the default to begin.</param>
    /// <returns>Where it ended, null when nothing is left; and the rows removed.</returns>
    public async Task<(SignInPlace? Next, int Removed)> RemoveSignInsAsync(DateTimeOffset before, SignInPlace after, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var (at, id) = after;
        var page = await db.SignIns.AsNoTracking()
            .Where(s => s.At < before && s.At >= at && (s.At > at || s.Id > id))
            .OrderBy(s => s.At).ThenBy(s => s.Id).Take(MaxRows)
            .Select(s => new
            {
                s.At,
                s.Id,
                IsLast = s.Result == SignInResultKind.Succeeded && !db.SignIns.Any(
                    n => n.AccountId == s.AccountId && n.Result == SignInResultKind.Succeeded && n.At >= s.At && (n.At > s.At || n.Id > s.Id)),
            })
            .ToListAsync(cancel);
        if (page.Count == 0) return (null, 0);

        var doomed = page.Where(s => !s.IsLast).Select(s => s.Id).ToList();
        var removed = doomed.Count == 0 ? 0 : await db.SignIns.Where(s => doomed.Contains(s.Id)).ExecuteDeleteAsync(cancel);
        return (new SignInPlace(page[^1].At, page[^1].Id), removed);
    }

    /// <summary>Links that could not be used any more before then, spent or not.</summary>
    public Task<int> RemoveLinksAsync(DateTimeOffset before, CancellationToken cancel) =>
        RemoveAsync(db => db.OneTimeLinks.Where(l => l.ExpiresAt < before).OrderBy(l => l.ExpiresAt).Take(MaxRows).ExecuteDeleteAsync(cancel), cancel);

    /// <summary>Notes of ended sessions whose time was over before then.</summary>
    public Task<int> RemoveSessionsAsync(DateTimeOffset before, CancellationToken cancel) =>
        RemoveAsync(db => db.EndedSessions.Where(s => s.ExpiresAt < before).OrderBy(s => s.ExpiresAt).Take(MaxRows).ExecuteDeleteAsync(cancel), cancel);

    /// <summary>When the people of such sessions were last there.</summary>
    public Task<int> RemoveSessionUsesAsync(DateTimeOffset before, CancellationToken cancel) =>
        RemoveAsync(db => db.SessionUses.Where(s => s.ExpiresAt < before).OrderBy(s => s.ExpiresAt).Take(MaxRows).ExecuteDeleteAsync(cancel), cancel);

    /// <summary>Work that ended before then, done, failed or cancelled.</summary>
    public Task<int> RemoveWorkAsync(DateTimeOffset before, CancellationToken cancel) =>
        RemoveAsync(db => db.Work.Where(w => w.EndedAt < before).OrderBy(w => w.EndedAt).Take(MaxRows).ExecuteDeleteAsync(cancel), cancel);

    /// <summary>Recipients that the other host of a domain confirmed before then, and not since.</summary>
    public Task<int> RemoveConfirmedAsync(DateTimeOffset before, CancellationToken cancel) =>
        RemoveAsync(
            async db =>
            {
                var due = await db.OnwardRecipients.AsNoTracking().Where(r => !r.IsListed && r.ConfirmedAt < before).OrderBy(r => r.ConfirmedAt).Take(MaxRows)
                    .Select(r => new { r.DomainId, r.LocalPart }).ToListAsync(cancel);
                var removed = 0;
                foreach (var domain in due.GroupBy(r => r.DomainId, r => r.LocalPart))   // a key of two columns is no list that both databases look up
                {
                    var (id, names) = (domain.Key, domain.ToList());
                    removed += await db.OnwardRecipients.Where(r => r.DomainId == id && names.Contains(r.LocalPart) && !r.IsListed && r.ConfirmedAt < before).ExecuteDeleteAsync(cancel);
                }

                return removed;
            },
            cancel);

    private async Task<int> RemoveAsync(Func<PortalDbContext, Task<int>> remove, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await remove(db);
    }
}

/// <summary>A place in the order of sign-ins.</summary>
public readonly record struct SignInPlace(DateTimeOffset At, long Id);
