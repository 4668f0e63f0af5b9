using Portal.Core.Addresses;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>The envelope of one mail transaction (RFC 5321 §2.3.1), with what was refused on the way.</summary>
internal sealed class Envelope(Guid queueId, SmtpPath reversePath, long startedAt)
{
    /// <summary>Refused recipients that are told one by one; as many as a message may have by default. More are counted.</summary>
    public const int MaxRefused = 1000;

    private readonly List<RefusedRecipient> refused = [];

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

    /// <summary>Those we refused, in order, <see cref="MaxRefused"/> at most.</summary>
    public IReadOnlyList<RefusedRecipient> Refused => refused;

    /// <summary>Refusals beyond them: a client may try for as long as its session lasts, and costs no memory for it.</summary>
    public int MoreRefused { get; private set; }

    /// <summary>What was found out about who sent it; told with whatever is decided.</summary>
    public List<TraceFact> Findings { get; } = [];

    /// <summary>Whether the trace knows of this transaction.</summary>
    public bool IsTold { get; set; }

    /// <summary>What DATA or BDAT has brought so far; null before. Disposed when the transaction ends.</summary>
    public IncomingMessage? Incoming { get; set; }

    /// <summary>Remembers a recipient that was refused.</summary>
    public void Refuse(RefusedRecipient recipient)
    {
        if (refused.Count < MaxRefused) refused.Add(recipient);
        else MoreRefused++;
    }
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
/// <param name="Address">Folded, where it is an address.</param>
/// <param name="Rule">Key of the Rules resource.</param>
/// <param name="Reply">What RCPT heard, or would have heard.</param>
internal sealed record RefusedRecipient(string Address, string Rule, SmtpReply Reply)
{
    /// <summary>The recipient that forwards to it, who was taken for the sake of other targets; null for one that RCPT named.</summary>
    public string? ForwardedBy { get; init; }

    /// <summary>Names and values that decided; null where the rule says all.</summary>
    public IReadOnlyDictionary<string, string>? Inputs { get; init; }
}
