namespace Portal.Core.Recipients;

/// <summary>What a forward-path comes to; each has its one reply at RCPT.</summary>
public enum RecipientState
{
    /// <summary>250.</summary>
    Ok,

    /// <summary>Not a domain of ours: 550 5.7.1 on the MX port.</summary>
    NotLocal,

    /// <summary>In a domain of ours whose other host has the mailbox: it goes on to that host.</summary>
    GoesOn,

    /// <summary>550 5.1.1.</summary>
    Unknown,

    /// <summary>550 5.2.1.</summary>
    Disabled,

    /// <summary>452 4.2.2.</summary>
    QuotaFull,

    /// <summary>More than 10 % over, or full for five days: 552 5.2.2.</summary>
    QuotaExceeded,

    /// <summary>Forwarders that lead to each other: 550 5.4.6.</summary>
    Loop,
}

public static class RecipientStates
{
    /// <summary>Whether a recipient is another server's, under the address it was named by.</summary>
    public static bool IsElsewhere(this RecipientState state) => state is RecipientState.NotLocal or RecipientState.GoesOn;
}

/// <summary>A mailbox a forward-path leads to.</summary>
/// <param name="MailboxId">Which.</param>
/// <param name="Address">Its primary address, folded.</param>
public readonly record struct LocalTarget(Guid MailboxId, string Address);

/// <summary>A target that a forwarder names and that takes no mail.</summary>
/// <param name="Address">Folded.</param>
/// <param name="State">What it came to.</param>
/// <param name="Rule">Which rule decided.</param>
/// <param name="Inputs">Names and values that decided; null where the rule says all.</param>
public sealed record DroppedTarget(string Address, RecipientState State, string Rule, IReadOnlyDictionary<string, string>? Inputs);

/// <summary>The host that mail for a domain goes on to, for as long as it is the same.</summary>
/// <param name="DomainId">The domain as it was named: what a host says of the names of an alias domain says nothing of the others.</param>
/// <param name="Since">When its mail began to go there.</param>
public readonly record struct OnwardHost(Guid DomainId, DateTimeOffset Since);

/// <summary>The answer for one forward-path.</summary>
/// <param name="State">What it comes to.</param>
/// <param name="Rule">Which rule decided: a key of the Rules resource.</param>
/// <param name="Mailboxes">Mailboxes it is delivered to, each once.</param>
/// <param name="Relays">External addresses it is sent on to, each once, folded.</param>
public sealed record RecipientResolution(RecipientState State, string Rule, IReadOnlyList<LocalTarget> Mailboxes, IReadOnlyList<string> Relays)
{
    /// <summary>Targets of a forwarder that get nothing while others do, each with why.</summary>
    public IReadOnlyList<DroppedTarget> Dropped { get; init; } = [];

    /// <summary>Whether the address itself is registered nowhere, and a catch-all took it.</summary>
    public bool IsCatchAll { get; init; }

    /// <summary>The domain of ours the address belongs to; for an alias domain, the one it stands for; null when it is not ours.</summary>
    public Guid? DomainId { get; init; }

    /// <summary>Whose host is to be asked before a stranger's mail is taken; null where nobody need be asked.</summary>
    public OnwardHost? Ask { get; init; }

    /// <summary>Names and values that decided a refusal; null where the rule says all.</summary>
    public IReadOnlyDictionary<string, string>? Inputs { get; init; }

    public static RecipientResolution Refused(RecipientState state, string rule, IReadOnlyDictionary<string, string>? inputs = null) => new(state, rule, [], []) { Inputs = inputs };
}
