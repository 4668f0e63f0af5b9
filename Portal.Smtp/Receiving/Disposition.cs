using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>What is done with one recipient's copy.</summary>
internal enum DispositionKind
{
    /// <summary>Into the inbox, and on to where the address forwards.</summary>
    Deliver,

    /// <summary>Into the junk folder; on to where the address forwards too, for who is there judges by rules of their own.</summary>
    Junk,

    /// <summary>Taken and kept back, until somebody releases or deletes it or it grows too old.</summary>
    Quarantine,

    /// <summary>Into the queue, where it stays until somebody releases or removes it.</summary>
    Hold,

    /// <summary>Nowhere, but with a trace.</summary>
    Discard,

    /// <summary>550 when all are; else taken and quarantined, marked so: never a bounce, never silent (DESIGN §3).</summary>
    Reject,

    /// <summary>451 for all.</summary>
    Defer,
}

/// <summary>The decision for one recipient: what, by which rule, from which inputs.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Recipient">Place in the envelope.</param>
/// <param name="Rule">Key of the Rules resource.</param>
/// <param name="Inputs">Names and values that decided, none of them content.</param>
internal sealed record Disposition(DispositionKind Kind, int Recipient, string Rule, IReadOnlyDictionary<string, string> Inputs)
{
    /// <summary>What the client hears where this one decides: it is put off, or every copy is rejected and this one first; null for 451 4.7.1 or 550 5.7.1.</summary>
    public SmtpReply? Reply { get; init; }
}
