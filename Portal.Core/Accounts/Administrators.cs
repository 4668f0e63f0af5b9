using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>Whoever can still administer everything: the role everywhere, and an account that signs in. One of them always stays.</summary>
internal static class Administrators
{
    private const long AdvisoryLock = 0x41646D696E;   // any constant of ours; "Admin"

    /// <summary>
    /// The accounts of the administrators, as they stay until the caller's transaction ends: on PostgreSQL two acts that take one away
    /// stand in line here, so that the second sees what the first left (SQLite's gate does the same). Asked before anything is written.
    /// </summary>
    public static async Task<HashSet<Guid>> LockAsync(PortalDbContext db, CancellationToken cancel)
    {
        if (db.IsPostgres) await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({AdvisoryLock})", cancel);
        return await (from role in db.RoleAssignments
                      where role.Role == Role.Administrator && role.DomainId == null
                      join account in db.Accounts on role.AccountId equals account.Id
                      where !account.IsDisabled
                      select account.Id).Take(Paging.CountLimit).ToHashSetAsync(cancel);
    }

    /// <summary>Whether nobody could administer everything without this account.</summary>
    public static async Task<bool> IsLastAsync(PortalDbContext db, Guid accountId, CancellationToken cancel) =>
        await LockAsync(db, cancel) is { Count: 1 } all && all.Contains(accountId);
}
