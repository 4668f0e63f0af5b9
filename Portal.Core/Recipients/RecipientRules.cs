namespace Portal.Core.Recipients;

/// <summary>The rules by which the directory decides; keys of the Rules resource, which words them for people.</summary>
public static class RecipientRules
{
    public const string Mailbox = "recipient.mailbox";
    public const string Alias = "recipient.alias";
    public const string Forwarder = "recipient.forwarder";

    /// <summary>Registered without its "+detail".</summary>
    public const string Detail = "recipient.detail";
    public const string CatchAll = "recipient.catchAll";
    public const string Postmaster = "recipient.postmaster";

    /// <summary>A target that an address of ours forwards to.</summary>
    public const string Forwarded = "recipient.forwarded";

    /// <summary>A reverse-path under which we sent somebody's mail on (SRS); it leads back to them.</summary>
    public const string Returned = "recipient.returned";

    /// <summary>Not registered here, in a domain whose other host has the mailboxes that are not.</summary>
    public const string GoesOn = "recipient.goesOn";

    /// <summary>That host does not take mail for it.</summary>
    public const string RefusedOnward = "recipient.refusedOnward";

    /// <summary>That host did not say whether it takes mail for it.</summary>
    public const string OnwardSilent = "recipient.onwardSilent";
    public const string Unknown = "recipient.unknown";
    public const string NotLocal = "recipient.notLocal";
    public const string DomainDisabled = "recipient.domainDisabled";
    public const string Disabled = "recipient.disabled";
    public const string Deleted = "recipient.deleted";
    public const string QuotaFull = "recipient.quotaFull";
    public const string QuotaExceeded = "recipient.quotaExceeded";

    /// <summary>Forwarders that lead to each other.</summary>
    public const string Loop = "recipient.loop";

    /// <summary>Taken at RCPT, and its mailbox removed before the commit.</summary>
    public const string Gone = "recipient.gone";
}
