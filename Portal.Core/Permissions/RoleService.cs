using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Permissions;

/// <summary>The roles and who holds them, for whoever gives roles everywhere; an administrator of a domain is told nothing of them.</summary>
public sealed class RoleService(IDbContextFactory<PortalDbContext> databases)
{
    /// <summary>The built-in roles, the mightiest first.</summary>
    public static readonly IReadOnlyList<Role> All = [.. Enum.GetValues<Role>().OrderByDescending(r => Roles.CapabilitiesOf(r).Count).ThenByDescending(r => r)];

    /// <summary>Every role with how many hold it.</summary>
    public async Task<Outcome<IReadOnlyList<RoleRow>>> ListAsync(Actor actor, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ManageRoles)) return new NotPermitted(Capability.ManageRoles);

        await using var db = await databases.CreateDbContextAsync(cancel);
        List<RoleRow> rows = [];
        foreach (var role in All)
        {
            var holders = await AccountIds(db, role).Distinct().Take(Paging.CountLimit + 1).CountAsync(cancel);
            rows.Add(new(role, Math.Min(holders, Paging.CountLimit), holders <= Paging.CountLimit));
        }

        return rows;
    }

    /// <summary>One page of the accounts that hold a role, by login name.</summary>
    public async Task<Outcome<Page<RoleHolder>>> HoldersAsync(Actor actor, RoleHolderQuery query, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ManageRoles)) return new NotPermitted(Capability.ManageRoles);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var ids = AccountIds(db, query.Role);
        var holding = db.Accounts.AsNoTracking().Where(a => ids.Contains(a.Id));
        var ordered = query.Descending ? holding.OrderByDescending(a => a.UserName) : holding.OrderBy(a => a.UserName);
        var page = await holding.ToPageAsync(ordered, cut => cut.Select(a => new RoleHolder(a.Id, a.UserName!, a.DisplayName, a.IsDisabled)), query.Skip, query.Take, cancel);
        return page with { Rows = await WithScopesAsync(db, query.Role, page.Rows, cancel) };
    }

    // Whoever has a mailbox may use it (RoleDirectory): no row says so.
    private static IQueryable<Guid> AccountIds(PortalDbContext db, Role role) => role == Role.User
        ? db.Mailboxes.Where(m => m.AccountId != null).Select(m => m.AccountId!.Value)
        : db.RoleAssignments.Where(r => r.Role == role).Select(r => r.AccountId);

    // Where each counts, for the whole page in one more query.
    private static async Task<IReadOnlyList<RoleHolder>> WithScopesAsync(PortalDbContext db, Role role, IReadOnlyList<RoleHolder> holders, CancellationToken cancel)
    {
        if (role == Role.User || holders.Count == 0) return holders;

        var ids = holders.Select(h => h.AccountId).ToList();
        var held = await db.RoleAssignments
            .Where(r => r.Role == role && ids.Contains(r.AccountId))
            .Select(r => new { r.AccountId, Domain = db.Domains.Where(d => d.Id == r.DomainId).Select(d => d.DisplayName).FirstOrDefault() })
            .OrderBy(r => r.Domain).Take(ids.Count * RoleQueries.MaxPerAccount)
            .ToListAsync(cancel);
        var scopes = held.ToLookup(r => r.AccountId, r => r.Domain);
        return [.. holders.Select(h => h with { IsEverywhere = scopes[h.AccountId].Contains(null), Domains = [.. scopes[h.AccountId].OfType<string>()] })];
    }
}
