using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>What each action needs to know of who acts.</summary>
public sealed record AccountSnapshot(Guid Id, string LoginName, string DisplayName, string SecurityStamp, bool IsDisabled, string? Language, string? TimeZone, ColourScheme Scheme, Guid? MailboxId, IReadOnlyList<HeldRole> HeldRoles);

/// <summary>Accounts with their roles, cached and correct within a second of a change.</summary>
public sealed class RoleDirectory(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed, TimeProvider clock)
{
    private readonly ChangeFedCache<Guid, AccountSnapshot> cache = new(feed, clock, Change.Directory, 50_000);

    /// <summary>The account; null when there is none.</summary>
    public ValueTask<AccountSnapshot?> FindAsync(Guid accountId, CancellationToken cancel) => cache.GetAsync(accountId, LoadAsync, cancel);

    /// <summary>An actor for the account; null when it is gone, disabled, or its stamp is no longer the one given.</summary>
    public async ValueTask<Actor?> ActorAsync(Guid accountId, string? securityStamp, Channel channel, string? address, CancellationToken cancel)
    {
        var account = await FindAsync(accountId, cancel);
        return account is { IsDisabled: false } && (securityStamp is null || account.SecurityStamp == securityStamp)
            ? Actor.ForAccount(account.Id, account.LoginName, account.HeldRoles, channel, address)
            : null;
    }

    private async Task<AccountSnapshot?> LoadAsync(Guid id, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var account = await db.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.Id == id, cancel);
        if (account is null) return null;
        List<HeldRole> held = [.. await db.RolesOfAsync(id, cancel)];
        var mailbox = await db.Mailboxes.AsNoTracking().Where(m => m.AccountId == id).Select(m => (Guid?)m.Id).FirstOrDefaultAsync(cancel);
        if (mailbox is not null && held.TrueForAll(r => r.Role != Role.User)) held.Add(new HeldRole(Role.User, Scope.Everything));   // whoever has a mailbox may use it
        return new(account.Id, account.UserName!, account.DisplayName, account.SecurityStamp ?? "", account.IsDisabled, account.Language, account.TimeZone, account.Scheme, mailbox, held);
    }
}
