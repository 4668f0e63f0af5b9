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
        var pair = await db.SignInThrottles.SingleOrDefaultAsync(t => t.LoginName == loginName && t.Network == network, cancel);
        if (pair is null) db.SignInThrottles.Add(pair = new SignInThrottle { LoginName = loginName, Network = network });
        pair.Failures++;
        pair.LastFailureAt = now;
        pair.NotBefore = pair.Failures <= FreeFailures ? now : now.AddSeconds(Math.Min(MaxDelaySeconds, 1 << Math.Min(pair.Failures - FreeFailures - 1, 16)));
        if (note is not null) db.SignIns.Add(note);
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            // Two failures of a new pair at once on PostgreSQL: the other one counted; the note is still ours to keep.
            db.ChangeTracker.Clear();
            if (note is not null) db.SignIns.Add(note);
            await db.SaveChangesAsync(cancel);
        }
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
}
