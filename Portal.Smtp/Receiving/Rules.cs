namespace Portal.Smtp.Receiving;

/// <summary>The rules that decide here; keys of the Rules resource, which words them for people. Those of the directory are <see cref="Core.Recipients.RecipientRules"/>.</summary>
public static class Rules
{
    public const string MessageSize = "message.size";
    public const string MessageHeaderSize = "message.headerSize";
    public const string MessageBareBreak = "message.bareBreak";
    public const string MessageLineLength = "message.lineLength";
    public const string MessageHops = "message.hops";

    /// <summary>It comes back to an address that has sent it outside before.</summary>
    public const string MessageLoop = "message.loop";

    /// <summary>The client left, or was cut off, before the end of its message.</summary>
    public const string MessageUnfinished = "message.unfinished";
    public const string NoRoom = "server.noRoom";
    public const string LocalError = "server.localError";

    /// <summary>Disabled, gone, or another password since they authenticated.</summary>
    public const string AccountEnded = "sender.accountEnded";

    /// <summary>On the list of senders that are let through.</summary>
    public const string SenderAllowed = "sender.allowed";

    /// <summary>On the list of senders whose mail is kept back.</summary>
    public const string SenderQuarantined = "sender.quarantined";

    /// <summary>On the list of senders that are refused.</summary>
    public const string SenderRefused = "sender.refused";

    /// <summary>Not proven to be the author's, and the author's domain asks not to take such mail.</summary>
    public const string DmarcFailed = "sender.dmarcFailed";

    /// <summary>The DNS did not say whether it is the author's.</summary>
    public const string DmarcUnknown = "sender.dmarcUnknown";

    /// <summary>The domain of the reverse-path does not let the client send for it.</summary>
    public const string SpfFailed = "sender.spfFailed";

    /// <summary>More authors than can be asked for, or one that can't be read.</summary>
    public const string AuthorsUnclear = "sender.authorsUnclear";
    public const string SenderNotOwned = "sender.notOwned";
    public const string HeaderFromNotOwned = "sender.headerFromNotOwned";
    public const string HeaderFromUnreadable = "sender.headerFromUnreadable";

    /// <summary>Not a domain of ours, on the MX port.</summary>
    public const string RelayDenied = "recipient.relayDenied";

    /// <summary>A local part that hides another address (percent hack, bang path, quoted at sign) and is registered nowhere.</summary>
    public const string RelayDisguised = "recipient.relayDisguised";

    /// <summary>What stood after MAIL is no sender, or asks for what is not offered.</summary>
    public const string SenderMalformed = "sender.malformed";

    /// <summary>What stood after RCPT is no recipient, or asks for what is not offered.</summary>
    public const string RecipientMalformed = "recipient.malformed";

    /// <summary>A path under which mail was sent on, by somebody who is no report.</summary>
    public const string OnlyReports = "recipient.onlyReports";

    /// <summary>Past the number one message may have.</summary>
    public const string TooManyRecipients = "recipient.tooMany";

    /// <summary>Not a domain of ours, sent by one of our own people.</summary>
    public const string Relay = "recipient.relay";

    /// <summary>An address of ours that the queue delivers to: with a receipt, or to many.</summary>
    public const string QueuedHere = "recipient.queuedHere";
}
