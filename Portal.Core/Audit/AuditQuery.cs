namespace Portal.Core.Audit;

/// <summary>A question to the audit. All parts narrow.</summary>
public sealed record AuditQuery
{
    /// <summary>Most rows of a page.</summary>
    public const int MaxLimit = 200;

    /// <summary>Part of who acted, on what, or why; case does not matter.</summary>
    public string? Text { get; init; }

    /// <summary>An action ("mailbox.quota.set"), or an area with its dot ("mailbox.").</summary>
    public string? Action { get; init; }

    /// <summary>The whole name of what was acted on.</summary>
    public string? Target { get; init; }

    /// <summary>Who acted.</summary>
    public Guid? ActorId { get; init; }

    public DateTimeOffset? From { get; init; }

    public DateTimeOffset? Until { get; init; }

    /// <summary>Only what was written before this entry: the last id of the page before.</summary>
    public long? Before { get; init; }

    public int Limit { get; init; } = 50;
}

/// <summary>A page of entries, newest first.</summary>
/// <param name="Entries">The entries.</param>
/// <param name="Next">Put into <see cref="AuditQuery.Before"/> for the next page; null on the last.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Entries, long? Next);
