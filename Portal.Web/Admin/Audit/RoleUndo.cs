using System.Text.Json;
using Portal.Core.Accounts;
using Portal.Core.Audit;
using Portal.Core.Permissions;

namespace Portal.Web.Admin.Audit;

/// <summary>The way back from roles that were set. Roles that counted in a domain only are not given back: that would make them count everywhere.</summary>
public sealed class RoleUndo(AccountListService accounts, AccountService acts)
{
    /// <summary>The way back; null when there is none now.</summary>
    public async Task<Undoing?> FindAsync(Actor actor, AuditEntry entry, CancellationToken cancel)
    {
        if (entry.Action != "account.roles.set" || Read(entry.Before) is not { } before || Read(entry.After) is not { } after) return null;
        var found = await accounts.SearchAsync(actor, new AccountQuery { Text = entry.Target }, cancel);
        if (!found.IsDone || found.Value.Rows.FirstOrDefault(r => r.LoginName == entry.Target) is not { } row) return null;
        if (row.Roles.Any(r => r.Scope.DomainId is not null) || !after.SetEquals(row.Roles.Select(r => r.Role))) return null;

        return (who, stop) => acts.SetRolesAsync(who, row.Id, row.Version, before, stop);
    }

    private static HashSet<Role>? Read(string? json)
    {
        var roles = new HashSet<Role>();
        foreach (var name in json is null ? [] : JsonSerializer.Deserialize<List<string>>(json) ?? [])
        {
            if (!Enum.TryParse<Role>(name, out var role)) return null;
            roles.Add(role);
        }

        return roles;
    }
}
