using Portal.Core.Addresses;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>The envelope of one mail transaction (RFC 5321 §2.3.1), with what was refused on the way.</summary>
internal sealed class Envelope(Guid queueId, SmtpPath reversePath, long startedAt)
{
    /// <summary>Guid v7 of the transaction; becomes the queue id people see.</summary>
    public Guid QueueId { get; } = queueId;

    public SmtpPath ReversePath { get; } = reversePath;

    /// <summary>Monotonic timestamp of MAIL.</summary>
    public long StartedAt { get; } = startedAt;

    /// <summary>Whether MAIL announced SMTPUTF8 (RFC 6531).</summary>
    public bool IsUtf8 { get; init; }

    public long DeclaredSizeBytes { get; init; }

    public DsnReturn Return { get; init; }

    public string? EnvelopeId { get; init; }

    public List<EnvelopeRecipient> Recipients { get; } = [];

    public List<RefusedRecipient> Refused { get; } = [];

    /// <summary>Whether the trace knows of this transaction.</summary>
    public bool IsTold { get; set; }

    /// <summary>What BDAT has brought so far (RFC 3030); null before the first chunk.</summary>
    public IncomingMessage? Chunks { get; set; }
}

/// <summary>A recipient we said 250 to.</summary>
/// <param name="Address">As RCPT named it.</param>
/// <param name="Resolution">What the directory made of it; <see cref="RecipientState.NotLocal"/> means relay.</param>
internal sealed record EnvelopeRecipient(MailAddress Address, RecipientResolution Resolution)
{
    public DsnNotify Notify { get; init; }

    public string? OriginalRecipient { get; init; }
}

/// <summary>A recipient we refused, with the rule that did.</summary>
internal sealed record RefusedRecipient(string Address, string Rule, SmtpReply Reply);
