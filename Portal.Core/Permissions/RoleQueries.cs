using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Permissions;

/// <summary>The one query for the roles that accounts hold.</summary>
internal static class RoleQueries
{
    /// <summary>Most roles read of an account, those that count everywhere first.</summary>
    public const int MaxPerAccount = 1_000;

    /// <summary>The roles of one account; none for null.</summary>
    public static async Task<IReadOnlyList<HeldRole>> RolesOfAsync(this PortalDbContext db, Guid? accountId, CancellationToken cancel) =>
        accountId is { } id ? [.. (await db.RolesOfAsync([id], cancel))[id]] : [];

    /// <summary>The roles of several accounts.</summary>
    public static Task<ILookup<Guid, HeldRole>> RolesOfAsync(this PortalDbContext db, IReadOnlyCollection<Guid> accountIds, CancellationToken cancel) =>
        db.RoleAssignments.Where(r => accountIds.Contains(r.AccountId)).ByAccountAsync(accountIds.Count, cancel);

    /// <summary>Assignments as roles, by account.</summary>
    /// <param name="accounts">How many accounts they may be of.</param>
    public static async Task<ILookup<Guid, HeldRole>> ByAccountAsync(this IQueryable<RoleAssignment> assignments, int accounts, CancellationToken cancel) =>
        (await assignments.AsNoTracking().OrderBy(r => r.DomainId != null).Take(accounts * MaxPerAccount).ToListAsync(cancel))
        .ToLookup(r => r.AccountId, r => new HeldRole(r.Role, new Scope(r.DomainId)));
}
