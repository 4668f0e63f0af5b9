using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server;

/// <summary>The conversation is over: the peer is gone, or we end it. Only the transport's own reader and writer throw it.</summary>
/// <param name="lastWords">What the peer is told before we close; null when it can't hear us any more.</param>
internal sealed class ConnectionLost(SmtpReply? lastWords = null) : Exception("The SMTP connection ended.")
{
    public SmtpReply? LastWords { get; } = lastWords;
}
