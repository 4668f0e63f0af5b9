namespace Portal.Core.Messages;

/// <summary>A mailbox its owner looks into.</summary>
public sealed record OwnMailbox(Guid Id, string Address, string Name, long UsedBytes, long? QuotaBytes);

/// <summary>A folder as its owner sees it.</summary>
/// <param name="Name">The IMAP name; pages word folders of special use themselves.</param>
/// <param name="HighestModSeq">Grows with every change; a list that has seen it is current.</param>
public sealed record MailFolder(long Id, long? ParentId, string Name, SpecialUse SpecialUse, long Items, long Unseen, long HighestModSeq);

/// <summary>The mailbox and its folders.</summary>
public sealed record MailOverview(OwnMailbox Mailbox, IReadOnlyList<MailFolder> Folders)
{
    /// <summary>The folder for a purpose; every mailbox has one of each.</summary>
    public MailFolder For(SpecialUse use) => Folders.First(f => f.SpecialUse == use);
}

/// <summary>A line of a folder's list.</summary>
/// <param name="Uid">Where it stands in its folder; 0 for a recoverable one.</param>
/// <param name="At">When it arrived.</param>
/// <param name="Preview">Start of the text; null when there is none or it can't be read.</param>
public sealed record MailRow(
    long Id, long FolderId, long Uid, long MessageId, string? From, string? To, string? Subject, string? Preview,
    DateTimeOffset At, long SizeBytes, MailFlags Flags, bool HasAttachments, DateTimeOffset? DeletedAt)
{
    public bool IsUnread => !Flags.HasFlag(MailFlags.Seen);

    internal int ParserVersion { get; init; }
}

/// <summary>A page of a list, newest first.</summary>
/// <param name="Next">Where the next page begins; null at the end.</param>
public sealed record MailPage(IReadOnlyList<MailRow> Rows, long? Next);

/// <summary>What a deletion did; both lists are what Undo needs.</summary>
/// <param name="Moved">Items now in Trash, and where they were.</param>
/// <param name="Removed">Items that were in Trash and can now be recovered for 14 days.</param>
public sealed record MailDeletion(IReadOnlyList<ItemMove> Moved, IReadOnlyList<long> Removed);

/// <summary>An item as the command line lists it.</summary>
public sealed record ListedMail(long Id, string Folder, string? MessageId, string? Subject, string? From, DateTimeOffset ReceivedAt, long SizeBytes);
