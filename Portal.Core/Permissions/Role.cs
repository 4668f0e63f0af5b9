using System.Collections.Frozen;

namespace Portal.Core.Permissions;

/// <summary>The built-in roles; each is a fixed set of capabilities.</summary>
public enum Role
{
    User,
    Helpdesk,
    Auditor,
    Administrator,
}

public static class Roles
{
    private static readonly FrozenDictionary<Role, FrozenSet<Capability>> Sets = new Dictionary<Role, FrozenSet<Capability>>
    {
        [Role.User] = [Capability.UseOwnMail],
        [Role.Helpdesk] = [Capability.ViewDirectory, Capability.ResetPasswords, Capability.ViewMailOutcomes],
        [Role.Auditor] = [Capability.ViewAudit],
        [Role.Administrator] = [.. Enum.GetValues<Capability>().Except([Capability.ReadAnyMail, Capability.UseOwnMail])],
    }.ToFrozenDictionary();

    public static FrozenSet<Capability> CapabilitiesOf(Role role) => Sets[role];
}
