namespace Portal.Core.Recipients;

/// <summary>What an address of the list of aliases leads to.</summary>
public enum AliasKind
{
    /// <summary>Another name of one mailbox; its owner may send with it.</summary>
    Mailbox,

    /// <summary>Sends on to addresses, here or elsewhere.</summary>
    Forwarder,
}

/// <summary>An alias as the list shows it.</summary>
/// <param name="LocalPart">As typed; empty for the catch-all.</param>
/// <param name="Domain">U-label form.</param>
/// <param name="FirstTarget">The mailbox's address, or the first of the forwarder's targets.</param>
/// <param name="Targets">How many targets there are; 1 for a mailbox.</param>
public sealed record AliasRow(Guid Id, string LocalPart, Guid DomainId, string Domain, AliasKind Kind, Guid? MailboxId, string FirstTarget, int Targets, bool IsDemo, int Version)
{
    public bool IsCatchAll => LocalPart.Length == 0;

    /// <summary>The address as people read it; "*@domain" for the catch-all.</summary>
    public string Address => $"{(IsCatchAll ? "*" : LocalPart)}@{Domain}";
}

/// <summary>What an alias is; also what brings a deleted one back.</summary>
public sealed record AliasContent
{
    public Guid DomainId { get; init; }

    /// <summary>As typed; empty for the catch-all, which takes what no other address of the domain names.</summary>
    public string LocalPart { get; init; } = "";

    /// <summary>The mailbox it is another name of; null for a forwarder.</summary>
    public Guid? MailboxId { get; init; }

    /// <summary>1 to 100 addresses of a forwarder; not read when <see cref="MailboxId"/> is given.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];
}

/// <summary>One alias with all of its targets.</summary>
/// <param name="Targets">Addresses of a forwarder in folded form; the mailbox's primary address otherwise.</param>
public sealed record AliasDetail(Guid Id, AliasContent Content, string Address, string? Mailbox, IReadOnlyList<string> Targets, bool IsDemo, int Version);

/// <summary>Which aliases a list shows.</summary>
public sealed record AliasQuery
{
    /// <summary>Part of the address or of a target; empty for all.</summary>
    public string Text { get; init; } = "";

    public Guid? DomainId { get; init; }

    public AliasKind? Kind { get; init; }

    /// <summary>Only aliases of this mailbox.</summary>
    public Guid? MailboxId { get; init; }

    /// <summary>Only what takes everything else.</summary>
    public bool CatchAllOnly { get; init; }

    public bool Descending { get; init; }

    public int Skip { get; init; }

    public int Take { get; init; } = Paging.DefaultTake;
}
