namespace Portal.Smtp.Reports;

/// <summary>What happened to a recipient (RFC 3464 §2.3.3).</summary>
internal enum DsnAction
{
    Failed,
    Delayed,

    /// <summary>Passed to a server that knows no DSN.</summary>
    Relayed,

    /// <summary>Passed to everybody an address of ours stands for; what becomes of it there is told only if it fails.</summary>
    Expanded,

    /// <summary>In the mailbox.</summary>
    Delivered,
}

/// <summary>One recipient in a DSN.</summary>
internal sealed record DsnRecipient
{
    public required string ForwardPath { get; init; }

    /// <summary>ORCPT as it was given, "type;address"; null for none.</summary>
    public string? OriginalRecipient { get; init; }

    public required DsnAction Action { get; init; }

    /// <summary>RFC 3463 status; its class fits the action.</summary>
    public required string Status { get; init; }

    /// <summary>Why, as a key of <see cref="DsnText"/>.</summary>
    public required string Reason { get; init; }

    /// <summary>The server that said it; null when it was decided here.</summary>
    public string? RemoteMta { get; init; }

    /// <summary>The reply, or our own words in the form of one; null for none.</summary>
    public string? Reply { get; init; }

    public required DateTimeOffset LastAttemptAt { get; init; }

    /// <summary>Until when it is tried; only with <see cref="DsnAction.Delayed"/>.</summary>
    public DateTimeOffset? WillRetryUntil { get; init; }
}

/// <summary>A delivery status notification before it is written (RFC 3464).</summary>
internal sealed record DsnReport
{
    /// <summary>Queue id of the DSN itself.</summary>
    public required Guid QueueId { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>This server.</summary>
    public required string HostName { get; init; }

    /// <summary>Reverse-path of the message it is about; never the null one.</summary>
    public required string Recipient { get; init; }

    public string? EnvelopeId { get; init; }

    public required DateTimeOffset ArrivedAt { get; init; }

    /// <summary>Message-ID of the message it is about, so that mail programs thread it; null for none.</summary>
    public string? MessageIdHeader { get; init; }

    public required IReadOnlyList<DsnRecipient> Recipients { get; init; }

    /// <summary>The message it is about, or its header only.</summary>
    public required ReadOnlyMemory<byte> Original { get; init; }

    public required bool IsOriginalWhole { get; init; }
}
