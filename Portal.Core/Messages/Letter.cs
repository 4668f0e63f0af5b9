namespace Portal.Core.Messages;

/// <summary>How a letter began.</summary>
public enum LetterKind
{
    New,
    Reply,
    ReplyAll,
    Forward,
}

/// <summary>A letter somebody is writing.</summary>
public sealed record Letter
{
    /// <summary>Its item in Drafts; null until it is first saved.</summary>
    public long? DraftId { get; init; }

    public LetterKind Kind { get; init; }

    /// <summary>The item it answers or forwards; null for a new one.</summary>
    public long? SourceItemId { get; init; }

    /// <summary>Addresses as typed, each a whole one ("Name &lt;address&gt;" or the address alone).</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    public IReadOnlyList<string> Cc { get; init; } = [];

    public IReadOnlyList<string> Bcc { get; init; } = [];

    public string Subject { get; init; } = "";

    public string Text { get; init; } = "";

    /// <summary>Message-ID of what it answers, without angle brackets (RFC 5322 §3.6.4).</summary>
    public string? InReplyTo { get; init; }

    public IReadOnlyList<string> References { get; init; } = [];

    public IReadOnlyList<LetterAttachment> Attachments { get; init; } = [];

    /// <summary>What the attachments take once they are written as base64, in octets (RFC 2045 §6.8: 57 octets become 78).</summary>
    public long AttachedBytes => Attachments.Sum(a => a.SizeBytes / 57 * 78 + 512);
}

/// <summary>A file that goes with a letter: either uploaded just now, or a part of a stored item of the same mailbox.</summary>
/// <param name="UploadId">Key in the <see cref="UploadStore"/>; null when it is a part of an item.</param>
/// <param name="ItemId">The item it is a part of; null when uploaded.</param>
/// <param name="Part">Which part of that item.</param>
public sealed record LetterAttachment(string FileName, string ContentType, long SizeBytes, Guid? UploadId, long? ItemId, int Part);

/// <summary>The beginning of an answer, with what the page quotes in the reader's language.</summary>
/// <param name="Letter">Addressed, with subject and references; its text is empty.</param>
/// <param name="From">Who wrote the original.</param>
/// <param name="To">To whom.</param>
/// <param name="SentAt">When, by its own Date or else by its arrival.</param>
/// <param name="Subject">The original's subject.</param>
/// <param name="Text">Its text.</param>
public sealed record LetterStart(Letter Letter, string From, string To, DateTimeOffset SentAt, string Subject, string Text);
