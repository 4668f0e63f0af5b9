using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>Accounts as lists and cards show them: who signs in, and why it may not work.</summary>
public sealed class AccountListService(IDbContextFactory<PortalDbContext> databases, TimeProvider clock)
{
    /// <summary>One page of the accounts in scope, by login name.</summary>
    public async Task<Outcome<Page<AccountRow>>> SearchAsync(Actor actor, AccountQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var matching = await MatchingAsync(db, actor, query, cancel);
        var ordered = query.Descending ? matching.OrderByDescending(a => a.UserName) : matching.OrderBy(a => a.UserName);
        var page = await matching.ToPageAsync(ordered, cut => Rows(db, cut), query.Skip, query.Take, cancel);

        // The roles of the whole page in one more query.
        var ids = page.Rows.Select(r => r.Id).ToList();
        var roles = await db.RolesOfAsync(ids, cancel);
        return page with { Rows = [.. page.Rows.Select(r => r with { Roles = [.. roles[r.Id]] })] };
    }

    /// <summary>One account.</summary>
    public async Task<Outcome<AccountDetail>> GetAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var found = db.Accounts.AsNoTracking().InScopeOf(db, actor).Where(a => a.Id == id);
        var row = await Rows(db, found).SingleOrDefaultAsync(cancel);
        if (row is null) return new NotFound("Account");

        var now = clock.GetUtcNow();
        var roles = await db.RolesOfAsync(id, cancel);
        var createdAt = await found.Select(a => a.CreatedAt).SingleAsync(cancel);
        var mailbox = row.MailboxId is null ? null : await MailboxQueries.Rows(db, db.Mailboxes.AsNoTracking().Where(m => m.Id == row.MailboxId)).SingleOrDefaultAsync(cancel);
        var last = await db.SignIns.AsNoTracking().Where(s => s.AccountId == id).OrderByDescending(s => s.At).FirstOrDefaultAsync(cancel);
        var slowed = await db.SignInThrottles.AsNoTracking()
            .Where(t => t.LoginName == row.LoginName && t.Network != SignInThrottle.AnyNetwork && t.NotBefore > now)
            .OrderByDescending(t => t.NotBefore).Take(20)
            .Select(t => new SlowedNetwork(t.Network, t.Failures, t.NotBefore))
            .ToListAsync(cancel);
        var isWelcome = await db.SignInThrottles.AnyAsync(t => t.LoginName == row.LoginName && t.Network == SignInThrottle.AnyNetwork && t.NotBefore > now, cancel);
        var closed = isWelcome ? [] : await db.SignInThrottles.AsNoTracking()
            .Where(t => t.LoginName == SignInThrottle.AnyName && t.NotBefore > now)
            .OrderByDescending(t => t.NotBefore).Take(5)
            .Select(t => new SlowedNetwork(t.Network, t.Failures, t.NotBefore))
            .ToListAsync(cancel);
        var failure = last is { Result: not SignInResultKind.Succeeded } ? last : null;
        return new AccountDetail(row with { Roles = roles }, mailbox, failure, slowed, closed, createdAt, actor.Outranks(roles), actor.AccountId == id);
    }

    private static async Task<IQueryable<Account>> MatchingAsync(PortalDbContext db, Actor actor, AccountQuery query, CancellationToken cancel)
    {
        var matching = db.Accounts.AsNoTracking().InScopeOf(db, actor);
        if (query.Role is { } role) matching = matching.Where(a => db.RoleAssignments.Any(r => r.AccountId == a.Id && r.Role == role));
        if (query.IsDisabled is { } isDisabled) matching = matching.Where(a => a.IsDisabled == isDisabled);
        if (query.Text.Trim() is not { Length: > 0 } text) return matching;

        var folded = MailAddress.Fold(text);
        var byAlias = await OwnerOfAsync(db, text, cancel);
#pragma warning disable CA1304, CA1311, CA1862   // translated to SQL
        return matching.Where(a => a.UserName!.Contains(folded) || a.DisplayName.ToLower().Contains(folded) || a.Id == byAlias);
#pragma warning restore CA1304, CA1311, CA1862
    }

    /// <summary>Whose alias an address is; people know the alias more often than the login name. As mail does: what stands behind a plus is cut where the whole is nobody's.</summary>
    private static async Task<Guid?> OwnerOfAsync(PortalDbContext db, string text, CancellationToken cancel)
    {
        if (!MailAddress.TryParse(text, out var address)) return null;
        var local = address.FoldedLocalPart;
        var plus = local.IndexOf('+', StringComparison.Ordinal);
        var before = plus > 0 ? local[..plus] : local;
        return await (from a in db.Addresses
                      where a.LocalPart == local || a.LocalPart == before
                      join d in db.Domains on a.DomainId equals d.AliasOfId ?? d.Id
                      where d.Name == address.Domain.Value
                      orderby a.LocalPart == local ? 0 : 1
                      select db.Mailboxes.Where(m => m.Id == a.MailboxId).Select(m => m.AccountId).FirstOrDefault()).FirstOrDefaultAsync(cancel);
    }

    private static IQueryable<AccountRow> Rows(PortalDbContext db, IQueryable<Account> page) =>
        page.Select(a => new AccountRow(
            a.Id, a.UserName!, a.DisplayName, a.IsDisabled,
            db.Mailboxes.Where(m => m.AccountId == a.Id).Select(m => (Guid?)m.Id).FirstOrDefault(),
            db.SignIns.Where(s => s.AccountId == a.Id && s.Result == SignInResultKind.Succeeded).OrderByDescending(s => s.At).Select(s => (DateTimeOffset?)s.At).FirstOrDefault(),
            a.IsDemo, a.Version));
}
