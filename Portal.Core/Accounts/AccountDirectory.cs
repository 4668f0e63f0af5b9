using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>What every request needs to know of an account.</summary>
/// <param name="Name">Login name: the primary address in folded form.</param>
/// <param name="Language">"en" or "zh-Hans"; null follows the browser.</param>
/// <param name="TimeZone">IANA time zone; null follows the organisation's.</param>
public sealed record AccountFacts(
    Guid Id, string Name, string DisplayName, string SecurityStamp, bool IsDisabled, string? Language, string? TimeZone, ColourScheme Scheme, IReadOnlyList<HeldRole> Roles);

/// <summary>Accounts and their roles for whoever must know at each action who acts; cached, correct within a second (DESIGN §6).</summary>
public sealed class AccountDirectory : IDisposable
{
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Guid, (AccountFacts? Facts, long At)> cache = new();
    private readonly IDbContextFactory<PortalDbContext> databases;
    private readonly TimeProvider clock;
    private readonly IDisposable subscription;

    public AccountDirectory(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed, TimeProvider clock)
    {
        (this.databases, this.clock) = (databases, clock);
        subscription = feed.Subscribe((area, _) =>
        {
            if (area == Change.Directory) cache.Clear();
        });
    }

    /// <summary>The account; null when there is none.</summary>
    public async ValueTask<AccountFacts?> FindAsync(Guid id, CancellationToken cancel)
    {
        if (cache.TryGetValue(id, out var known) && clock.GetElapsedTime(known.At) < Life) return known.Facts;

        var at = clock.GetTimestamp();
        await using var db = await databases.CreateDbContextAsync(cancel);
        var account = await db.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.Id == id, cancel);
        var roles = await db.RoleAssignments.AsNoTracking().Where(r => r.AccountId == id).OrderBy(r => r.Id).Take(100).ToListAsync(cancel);
        var facts = account is null
            ? null
            : new AccountFacts(account.Id, account.UserName!, account.DisplayName, account.SecurityStamp ?? "", account.IsDisabled, account.Language, account.TimeZone, account.Scheme,
                [.. roles.Select(r => new HeldRole(r.Role, new Scope(r.DomainId)))]);
        cache[id] = (facts, at);
        return facts;
    }

    public void Dispose() => subscription.Dispose();
}
