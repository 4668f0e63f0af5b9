namespace Portal.Core.Mailboxes;

/// <summary>One mailbox as its page shows it.</summary>
/// <param name="Domain">U-label form.</param>
/// <param name="FullSince">Since when its mail has been refused for quota; null while there is room.</param>
/// <param name="IsRankSafe">Whether the actor holds everything its person holds: without, every act is refused.</param>
public sealed record MailboxDetail(MailboxRow Row, string Domain, long Items, DateTimeOffset? FullSince, DateTimeOffset CreatedAt, bool IsRankSafe)
{
    /// <summary>When its grace ends; null unless deleted.</summary>
    public DateTimeOffset? RestorableUntil => Row.DeletedAt + MailboxService.Grace;
}
