using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;

namespace Portal.Core.Accounts;

/// <summary>
/// Failures slow down one (login name, network) pair: free three times, then 1, 2, 4 … up to 300 seconds. No stranger can lock somebody
/// out of their own network, and names that don't exist behave alike (DESIGN §6).
/// </summary>
public sealed class SignInThrottleStore(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    private const int FreeFailures = 3;
    private const int MaxDelaySeconds = 300;
    private static readonly TimeSpan Forgotten = TimeSpan.FromHours(24);

    /// <summary>How long this pair still has to wait; zero when it may try now.</summary>
    public async Task<TimeSpan> WaitAsync(string loginName, IPAddress client, CancellationToken cancel)
    {
        var network = Networks.Of(client);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var notBefore = await db.SignInThrottles.AsNoTracking().Where(t => t.LoginName == loginName && t.Network == network).Select(t => (DateTimeOffset?)t.NotBefore).SingleOrDefaultAsync(cancel);
        var wait = notBefore - clock.GetUtcNow();
        return wait > TimeSpan.Zero ? wait.Value : TimeSpan.Zero;
    }

    /// <summary>Counts a failure, and notes it for the account where there is one: one commit either way, so that both take the same time.</summary>
    internal async Task FailedAsync(string loginName, IPAddress client, SignIn? note, CancellationToken cancel)
    {
        var (network, now) = (Networks.Of(client), clock.GetUtcNow());
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var forgetBefore = now - Forgotten;
        await db.SignInThrottles.Where(t => t.LastFailureAt < forgetBefore).OrderBy(t => t.LastFailureAt).Take(100).ExecuteDeleteAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (!await RaiseAsync(db, loginName, network, now, cancel))
        {
            db.SignInThrottles.Add(new SignInThrottle { LoginName = loginName, Network = network, Failures = 1, LastFailureAt = now, NotBefore = now });
            try
            {
                await db.SaveChangesAsync(cancel);
            }
            catch (DbUpdateException e) when (e.IsDuplicate())
            {
                db.ChangeTracker.Clear();   // another node's first failure of this pair; ours comes on top
                await RaiseAsync(db, loginName, network, now, cancel);
            }
        }

        if (note is not null) db.SignIns.Add(note);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>Forgets the pair after a success.</summary>
    public async Task SucceededAsync(string loginName, IPAddress client, CancellationToken cancel)
    {
        var network = Networks.Of(client);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (!await db.SignInThrottles.AnyAsync(t => t.LoginName == loginName && t.Network == network, cancel)) return;
        using var turn = await gate.EnterAsync(cancel);
        await db.SignInThrottles.Where(t => t.LoginName == loginName && t.Network == network).ExecuteDeleteAsync(cancel);
    }

    /// <summary>One more failure of a known pair. A relative statement: the row stays locked to the commit, so that of two nodes none overwrites the other's count.</summary>
    private static async Task<bool> RaiseAsync(PortalDbContext db, string loginName, string network, DateTimeOffset now, CancellationToken cancel)
    {
        var pair = db.SignInThrottles.Where(t => t.LoginName == loginName && t.Network == network);
        if (await pair.ExecuteUpdateAsync(t => t.SetProperty(x => x.Failures, x => x.Failures + 1).SetProperty(x => x.LastFailureAt, now), cancel) == 0) return false;

        var failures = await pair.Select(t => t.Failures).SingleAsync(cancel);
        var notBefore = failures <= FreeFailures ? now : now.AddSeconds(Math.Min(MaxDelaySeconds, 1 << Math.Min(failures - FreeFailures - 1, 16)));
        await pair.ExecuteUpdateAsync(t => t.SetProperty(x => x.NotBefore, notBefore), cancel);
        return true;
    }
}
