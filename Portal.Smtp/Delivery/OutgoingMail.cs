using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>One mail transaction to be made with a peer.</summary>
internal sealed record OutgoingMail
{
    /// <summary>Empty for the null reverse-path.</summary>
    public required string ReversePath { get; init; }

    public required IReadOnlyList<OutgoingRecipient> Recipients { get; init; }

    /// <summary>Exact octets of the content.</summary>
    public required long SizeBytes { get; init; }

    public MessageNeeds Needs { get; init; }

    public string? EnvelopeId { get; init; }

    public DsnReturn Return { get; init; }

    /// <summary>Opens the content; called once, when the peer has said that it wants it.</summary>
    public required Func<CancellationToken, Task<Stream>> OpenContentAsync { get; init; }
}

/// <summary>One recipient of a transaction.</summary>
internal sealed record OutgoingRecipient(string ForwardPath, DsnNotify Notify = DsnNotify.Default, string? OriginalRecipient = null);

/// <summary>What the peer said about one recipient.</summary>
/// <param name="Reply">The reply that decided: to the final dot when RCPT was accepted, else to what was refused.</param>
/// <param name="Stage">What it was a reply to.</param>
internal readonly record struct RecipientReply(PeerReply Reply, SmtpStage Stage)
{
    public bool IsDelivered => Stage == SmtpStage.End && Reply.IsPositive;
}

/// <summary>What a transaction came to.</summary>
/// <param name="Replies">One for each recipient, in their order; null where <paramref name="Failure"/> came first.</param>
/// <param name="Failure">What ended the connection; null when every reply is there.</param>
internal sealed record TransactionResult(IReadOnlyList<RecipientReply?> Replies, SmtpFailure? Failure);
