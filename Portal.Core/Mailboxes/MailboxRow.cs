namespace Portal.Core.Mailboxes;

/// <summary>A mailbox as the list shows it.</summary>
/// <param name="Address">Primary address in folded form, domain in A-label form.</param>
/// <param name="QuotaBytes">Hard limit; null for none.</param>
/// <param name="LastSignInAt">Last success through any door; null for never, or for a mailbox without a person.</param>
public sealed record MailboxRow(
    Guid Id, string Name, string Address, Guid DomainId, MailboxKind Kind, MailboxState State, long UsedBytes, long? QuotaBytes, Guid? AccountId,
    DateTimeOffset? LastSignInAt, DateTimeOffset? DeletedAt, bool IsDemo, int Version);

/// <summary>What a list of mailboxes is sorted by; both are indexed.</summary>
public enum MailboxSort
{
    Address,
    Name,
}

/// <summary>Which mailboxes a list shows, or a bulk act reaches: the filter itself is handed over, never a list of ids made from it (PORTAL §4).</summary>
public sealed record MailboxQuery
{
    /// <summary>Part of the address or the name; empty for all.</summary>
    public string Text { get; init; } = "";

    public Guid? DomainId { get; init; }

    /// <summary>Null for all but those in their grace.</summary>
    public MailboxState? State { get; init; }

    /// <summary>Only those that have used more than nine tenths of their quota.</summary>
    public bool NearlyFull { get; init; }

    /// <summary>Only those of people who have never signed in, through any door.</summary>
    public bool NeverSignedIn { get; init; }

    public MailboxSort Sort { get; init; }

    public bool Descending { get; init; }

    public int Skip { get; init; }

    public int Take { get; init; } = Paging.DefaultTake;
}
