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

/// <summary>What ended a connection without a reply to the mail.</summary>
internal enum SmtpFault
{
    /// <summary>The server itself said so.</summary>
    Answered,
    ConnectionRefused,
    Unreachable,

    /// <summary>No answer within the time of the step.</summary>
    TimedOut,
    BrokenOff,

    /// <summary>The whole try took too long, step by step.</summary>
    TookTooLong,
    NotSmtp,
    TlsNotOffered,
    TlsFailed,
    CertificateNotValid,
    SignIn,
    OurFault,
}

/// <summary>The connection can't be used any further: refused, broken, too slow, or no SMTP.</summary>
internal sealed class SmtpFailure(SmtpStage stage, DeferCause cause, string words, PeerReply? reply = null, Exception? inner = null) : Exception(words, inner)
{
    public SmtpStage Stage { get; } = stage;

    public DeferCause Cause { get; } = cause;

    public SmtpFault Fault { get; init; }

    /// <summary>The peer's last reply, when it was one that ended the connection.</summary>
    public PeerReply? Reply { get; } = reply;
}
