using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;

namespace Portal.Core.Accounts;

/// <summary>How a network may go on with one login name.</summary>
/// <param name="Wait">How long this try still has to wait; zero when it may be looked at.</param>
/// <param name="OfNetwork">How long a stranger of the network has to wait, whoever this is.</param>
internal readonly record struct SignInPace(TimeSpan Wait, TimeSpan OfNetwork);

/// <summary>
/// Failures slow down one (login name, network) pair: free three times, then 1, 2, 4 … up to 300 seconds. No stranger can lock somebody
/// out of their own network, and names that don't exist behave alike (DESIGN §6). A network that fails with one name after the other is
/// slowed down as a whole: twenty names, then one a minute; who has signed in from it before, or was unlocked a moment ago, is none of its
/// strangers and gets in.
/// </summary>
public sealed class SignInThrottleStore(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    /// <summary>Names a network may fail with before it is slowed down; one more for each <see cref="NamePace"/> that has passed.</summary>
    internal const int FreeNames = 20;

    private const int FreeFailures = 3;
    private const int MaxDelaySeconds = 300;

    /// <summary>How many of an account's last sign-ins tell the networks it comes from: a month of a device that signs in every five minutes.</summary>
    private const int SignInsLookedAt = 10_000;

    /// <summary>How long somebody whom helpdesk has unlocked is a stranger nowhere.</summary>
    private static readonly TimeSpan Welcome = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan NamePace = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Forgotten = TimeSpan.FromHours(24);

    /// <summary>What a network and a login name have to wait for.</summary>
    internal async Task<SignInPace> PaceAsync(string loginName, IPAddress client, CancellationToken cancel)
    {
        var (network, now) = (Networks.Of(client), clock.GetUtcNow());
        await using var db = await databases.CreateDbContextAsync(cancel);
        var rows = await db.SignInThrottles.AsNoTracking()
            .Where(t => (t.Network == network && (t.LoginName == loginName || t.LoginName == SignInThrottle.AnyName)) || (t.Network == SignInThrottle.AnyNetwork && t.LoginName == loginName))
            .Select(t => new { t.LoginName, t.Network, t.NotBefore })
            .ToListAsync(cancel);
        var ofPair = Until(loginName, network);
        var ofNetwork = Until(SignInThrottle.AnyName, network);
        var isStranger = ofNetwork > ofPair && Until(loginName, SignInThrottle.AnyNetwork) == TimeSpan.Zero && !await HasSignedInFromAsync(db, loginName, network, cancel);
        return new(isStranger ? ofNetwork : ofPair, ofNetwork);

        TimeSpan Until(string name, string where) => rows.Find(r => r.LoginName == name && r.Network == where) is { } row && row.NotBefore > now ? row.NotBefore - now : TimeSpan.Zero;
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
        // A name that fails for the first time counts for the network too: always this row after the other, so that nobody waits in a circle.
        if (await CountAsync(db, loginName, network, now, cancel)) await CountAsync(db, SignInThrottle.AnyName, network, now, cancel);
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

    /// <summary>Lets an account in again, in the caller's transaction: its failures are forgotten, and for a while no slowed down network takes it for a stranger.</summary>
    /// <returns>The networks it had to wait in.</returns>
    internal static async Task<int> WelcomeAsync(PortalDbContext db, string loginName, DateTimeOffset now, CancellationToken cancel)
    {
        var forgotten = await db.SignInThrottles.Where(t => t.LoginName == loginName && t.Network != SignInThrottle.AnyNetwork).ExecuteDeleteAsync(cancel);
        var until = now + Welcome;
        // One statement: two who let the account in at once, on two nodes, both do.
        if (db.IsPostgres)
            await db.Database.ExecuteSqlAsync($"""INSERT INTO "SignInThrottle" ("LoginName", "Network", "Failures", "LastFailureAt", "NotBefore") VALUES ({loginName}, {SignInThrottle.AnyNetwork}, 0, {now}, {until}) ON CONFLICT ("LoginName", "Network") DO UPDATE SET "LastFailureAt" = excluded."LastFailureAt", "NotBefore" = excluded."NotBefore" """, cancel);
        else
            await db.Database.ExecuteSqlAsync($"""INSERT INTO "SignInThrottle" ("LoginName", "Network", "Failures", "LastFailureAt", "NotBefore") VALUES ({loginName}, {SignInThrottle.AnyNetwork}, 0, {now.UtcTicks}, {until.UtcTicks}) ON CONFLICT ("LoginName", "Network") DO UPDATE SET "LastFailureAt" = excluded."LastFailureAt", "NotBefore" = excluded."NotBefore" """, cancel);
        return forgotten;
    }

    private static async Task<bool> HasSignedInFromAsync(PortalDbContext db, string loginName, string network, CancellationToken cancel)
    {
        var normalized = loginName.ToUpperInvariant();
        var addresses = await (from a in db.Accounts
                               where a.NormalizedUserName == normalized
                               join s in db.SignIns on a.Id equals s.AccountId
                               where s.Result == SignInResultKind.Succeeded && s.Address != null
                               orderby s.At descending
                               select s.Address).Take(SignInsLookedAt).Distinct().ToListAsync(cancel);
        return addresses.Exists(a => Networks.Of(a) == network);
    }

    /// <summary>One more failure of a pair or a network; true for the first of its row.</summary>
    private static async Task<bool> CountAsync(PortalDbContext db, string name, string network, DateTimeOffset now, CancellationToken cancel)
    {
        if (await RaiseAsync(db, name, network, now, cancel)) return false;
        db.SignInThrottles.Add(new SignInThrottle { LoginName = name, Network = network, Failures = 1, LastFailureAt = now, NotBefore = NextTry(name, 1, now, DateTimeOffset.MinValue) });
        try
        {
            await db.SaveChangesAsync(cancel);
            return true;
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            db.ChangeTracker.Clear();   // another node's first failure; ours comes on top
            await RaiseAsync(db, name, network, now, cancel);
            return false;
        }
    }

    /// <summary>One more failure of a known row. A relative statement: the row stays locked to the commit, so that of two nodes none overwrites the other's count.</summary>
    private static async Task<bool> RaiseAsync(PortalDbContext db, string name, string network, DateTimeOffset now, CancellationToken cancel)
    {
        var row = db.SignInThrottles.Where(t => t.LoginName == name && t.Network == network);
        if (await row.ExecuteUpdateAsync(t => t.SetProperty(x => x.Failures, x => x.Failures + 1).SetProperty(x => x.LastFailureAt, now), cancel) == 0) return false;

        var counted = await row.Select(t => new { t.Failures, t.NotBefore }).SingleAsync(cancel);
        var notBefore = NextTry(name, counted.Failures, now, counted.NotBefore);
        await row.ExecuteUpdateAsync(t => t.SetProperty(x => x.NotBefore, notBefore), cancel);
        return true;
    }

    /// <summary>
    /// When the next try may be. A pair waits longer each time. A network's instant moves on by a minute with each name, from as many
    /// minutes ago as names are free: what it did not use up it has for later, and a busy network comes to rest by itself.
    /// </summary>
    private static DateTimeOffset NextTry(string name, int failures, DateTimeOffset now, DateTimeOffset last)
    {
        if (name != SignInThrottle.AnyName) return failures <= FreeFailures ? now : now.AddSeconds(Math.Min(MaxDelaySeconds, 1 << Math.Min(failures - FreeFailures - 1, 16)));
        var (earliest, latest) = (now - (FreeNames - 1) * NamePace, now.AddSeconds(MaxDelaySeconds));
        var next = (last > earliest ? last : earliest) + NamePace;
        return next < latest ? next : latest;
    }
}
