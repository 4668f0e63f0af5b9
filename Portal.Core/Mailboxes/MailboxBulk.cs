using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>What can be done to many mailboxes at once.</summary>
public enum MailboxAct
{
    Disable,
    Enable,
    SetQuota,
}

/// <summary>An act with its value.</summary>
/// <param name="QuotaBytes">For <see cref="MailboxAct.SetQuota"/>: hard limit in bytes, null lifts it.</param>
public sealed record MailboxChange(MailboxAct Act, long? QuotaBytes = null)
{
    /// <summary>What the actor must hold.</summary>
    public Capability Needs => Act == MailboxAct.SetQuota ? Capability.SetQuota : Capability.ManageMailboxes;

    /// <summary>Key of the Actions resource.</summary>
    public string Action => Act switch { MailboxAct.Disable => "mailbox.disable", MailboxAct.Enable => "mailbox.enable", _ => "mailbox.quota.set" };
}

/// <summary>The mailboxes an act is for: named ones, or all that match a filter when it is decided.</summary>
public sealed record MailboxSelection
{
    private MailboxSelection()
    {
    }

    /// <summary>Mailboxes by id; null when a filter says it.</summary>
    public IReadOnlyList<Guid>? Ids { get; private init; }

    public MailboxQuery Query { get; private init; } = new();

    public static MailboxSelection Of(params IReadOnlyList<Guid> ids) => new() { Ids = ids };

    public static MailboxSelection Matching(MailboxQuery query) => new() { Query = query };
}

/// <summary>What an act would do.</summary>
/// <param name="Rows">Mailboxes it reaches.</param>
/// <param name="Refused">How many of them it would leave alone, because their person may do more than the actor.</param>
public sealed record MailboxBulkPreview(int Rows, int Refused);

/// <summary>What an act did, or the work that carries it out.</summary>
/// <param name="Done">Mailboxes changed, or right already.</param>
/// <param name="WorkId">The work when there were more than <see cref="MailboxBulkService.MaxRowsAtOnce"/>; null when it is all done.</param>
public sealed record MailboxBulkResult(int Done, IReadOnlyList<WorkRefusal> Refused, long? WorkId)
{
    /// <summary>Those that were not right already: what the opposite act is for.</summary>
    public IReadOnlyList<Guid> Changed { get; init; } = [];
}
