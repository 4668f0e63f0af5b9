namespace Portal.Core.Permissions;

/// <summary>What somebody may do (DESIGN §6). A role is a named set of these.</summary>
public enum Capability
{
    ViewDirectory,
    ManageMailboxes,
    SetQuota,
    ResetPasswords,
    ManageAliases,
    ManageDomains,
    ManageRoutes,

    /// <summary>Senders that are always let through or never.</summary>
    ManageLists,

    /// <summary>What is in quarantine: who, why, headers and safe text; each look is audited.</summary>
    ViewQuarantine,

    /// <summary>Let mail out of quarantine, or delete it.</summary>
    ReleaseQuarantine,
    ViewQueue,
    ManageQueue,
    ViewTrace,

    /// <summary>What became of one person's mail: envelope and outcome, for whoever helps them.</summary>
    ViewMailOutcomes,

    /// <summary>Subject and attachment names in a trace (content facts).</summary>
    ViewContentFacts,
    ViewLogs,
    ViewAudit,
    ManageSettings,
    ManageRoles,

    /// <summary>Read and send the mail of one's own mailbox.</summary>
    UseOwnMail,

    /// <summary>Read anybody's mail: the operator only, audited.</summary>
    ReadAnyMail,
}
