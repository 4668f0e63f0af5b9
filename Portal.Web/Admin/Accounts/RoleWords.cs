using Portal.Core.Permissions;

namespace Portal.Web.Admin.Accounts;

/// <summary>The roles people give; using one's own mailbox comes with the mailbox.</summary>
internal static class RoleWords
{
    public static readonly IReadOnlyList<Role> Grantable = [Role.Administrator, Role.Helpdesk, Role.Auditor];
}
