using Portal.Core.Permissions;

namespace Portal.Web.Admin.Roles;

/// <summary>Capabilities of one kind; its words are "Area_…".</summary>
internal sealed record CapabilityArea(string Key, params Capability[] Capabilities);

/// <summary>What a role can reach, told from its capabilities.</summary>
internal static class RoleReach
{
    /// <summary>Every capability in its one area; a test checks that none is left out.</summary>
    public static readonly IReadOnlyList<CapabilityArea> Areas =
    [
        new("Mail", Capability.UseOwnMail, Capability.ReadAnyMail),
        new("Recipients", Capability.ViewDirectory, Capability.ManageMailboxes, Capability.SetQuota, Capability.ManageAliases, Capability.ManageDomains),
        new("Access", Capability.ResetPasswords, Capability.ManageRoles),
        new("MailFlow", Capability.ViewMailOutcomes, Capability.ViewTrace, Capability.ViewContentFacts, Capability.ViewQueue, Capability.ManageQueue, Capability.ManageRoutes),
        new("Protection", Capability.ViewQuarantine, Capability.ReleaseQuarantine, Capability.ManageLists),
        new("System", Capability.ViewLogs, Capability.ViewAudit, Capability.ManageSettings),
    ];

    /// <summary>What the role may do.</summary>
    public static IReadOnlySet<Capability> CapabilitiesOf(Role role) => Core.Permissions.Roles.CapabilitiesOf(role);   // here "Roles" is this folder

    /// <summary>The questions and their answers, keys "Reach_…" and "Reach_…_…" (DESIGN §6: directory, trace, content facts and content are apart).</summary>
    public static IEnumerable<(string What, string Answer)> Of(Role role)
    {
        var held = CapabilitiesOf(role);
        yield return ("People", Answer((Capability.ManageMailboxes, "Change"), (Capability.ViewDirectory, "See")));
        yield return ("Passwords", Answer((Capability.ResetPasswords, "Reset")));
        yield return ("Ways", Answer((Capability.ViewTrace, "All"), (Capability.ViewMailOutcomes, "One")));
        yield return ("Subjects", Answer((Capability.ViewContentFacts, "All")));
        yield return ("Content", Answer((Capability.ReadAnyMail, "All"), (Capability.UseOwnMail, "Own"), (Capability.ViewQuarantine, "Quarantine")));
        yield return ("Records", Answer((Capability.ViewLogs, "All"), (Capability.ViewAudit, "Audit")));
        yield return ("Settings", Answer((Capability.ManageSettings, "All")));

        string Answer(params (Capability Capability, string Word)[] answers) => Array.Find(answers, a => held.Contains(a.Capability)).Word ?? "None";
    }
}
