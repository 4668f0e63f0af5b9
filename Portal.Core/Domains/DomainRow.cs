namespace Portal.Core.Domains;

/// <summary>A domain as lists and its page show it.</summary>
/// <param name="Name">A-label form.</param>
/// <param name="AliasOf">U-label form of the domain it stands for; null for a domain of its own.</param>
/// <param name="Mailboxes">Mailboxes in it, those in their grace included.</param>
/// <param name="Aliases">Addresses in it that are no mailbox's own name, the catch-all included.</param>
public sealed record DomainRow(
    Guid Id, string Name, string DisplayName, Guid? AliasOfId, string? AliasOf, bool IsDisabled, long? DefaultQuotaBytes,
    MtaStsSetting MtaSts, int Mailboxes, int Aliases, DateTimeOffset CreatedAt, bool IsDemo, int Version)
{
    /// <summary>Where its mail goes; of an alias domain, that of the domain it stands for.</summary>
    public Onward Onward { get; init; } = Onward.None;
}

/// <summary>A domain to choose from.</summary>
public sealed record DomainChoice(Guid Id, string Name, string DisplayName, long? DefaultQuotaBytes);

/// <summary>Which domains a list shows.</summary>
public sealed record DomainQuery
{
    /// <summary>Part of the name in either form; empty for all.</summary>
    public string Text { get; init; } = "";

    public bool? IsDisabled { get; init; }

    /// <summary>Null for all; an alias domain is of no kind of its own.</summary>
    public DomainKind? Kind { get; init; }

    public bool Descending { get; init; }

    public int Skip { get; init; }

    public int Take { get; init; } = Paging.DefaultTake;
}
