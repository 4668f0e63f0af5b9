using Portal.Core.Lists;
using Portal.Core.Messages;
using Portal.Smtp.Authentication;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Checks;

/// <summary>
/// One step of the chain that judges a message (DESIGN §3). To add one: a class in this folder and a line in SmtpServices, in whose order
/// they are asked; a test brings its own.
/// </summary>
internal interface IMailCheck
{
    /// <summary>Its opinion on one recipient's copy; null for none. A fault of its own throws: 451.</summary>
    ValueTask<Verdict?> JudgeAsync(CheckedMail mail, EnvelopeRecipient recipient, CancellationToken cancel);
}

/// <summary>What a check looks at.</summary>
internal sealed record CheckedMail(Origin Origin, Envelope Envelope, MessageHead Head, MailContent Content)
{
    private SenderFacts? sender;

    /// <summary>Who sent it, as far as anybody says so.</summary>
    public SenderFacts Sender => sender ??= SenderFacts.Of(Envelope.ReversePath.ToString(), Head, Origin.Client);

    /// <summary>What was found out about who sent it; null where nobody need prove it: our own people, and this machine.</summary>
    public SenderProof? Proof { get; init; }

    /// <summary>What the lists said already, by the recipient's domain: it is the same for all of a domain.</summary>
    public Dictionary<Guid, ListAnswer?> Listed { get; } = [];
}

/// <summary>What a check came to.</summary>
/// <param name="Kind">What is done with the copy.</param>
/// <param name="Rule">Key of the Rules resource.</param>
/// <param name="Inputs">Names and values that decided, none of them content.</param>
internal sealed record Verdict(DispositionKind Kind, string Rule, IReadOnlyDictionary<string, string> Inputs)
{
    /// <summary>What the client hears where this one decides: it is put off, or every copy is rejected and this one first; null for 451 4.7.1 or 550 5.7.1.</summary>
    public SmtpReply? Reply { get; init; }
}
