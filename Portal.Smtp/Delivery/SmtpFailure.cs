using Portal.Core.Queue;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>How far a delivery attempt had come.</summary>
public enum SmtpStage
{
    Resolve,
    Connect,
    Greeting,
    Hello,
    Tls,
    Authentication,
    Mail,
    Recipient,
    Data,

    /// <summary>Content was on its way; the final dot was not yet sent.</summary>
    Content,

    /// <summary>The final dot was sent: without its reply nobody knows whether the peer has the message.</summary>
    End,
}

/// <summary>The connection can't be used any further: refused, broken, too slow, or no SMTP.</summary>
internal sealed class SmtpFailure(SmtpStage stage, DeferCause cause, string words, PeerReply? reply = null, Exception? inner = null) : Exception(words, inner)
{
    public SmtpStage Stage { get; } = stage;

    public DeferCause Cause { get; } = cause;

    /// <summary>The peer's last reply, when it was one that ended the connection.</summary>
    public PeerReply? Reply { get; } = reply;
}
