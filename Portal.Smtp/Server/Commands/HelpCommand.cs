using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>HELP: names the verbs (RFC 5321 §4.1.1.8).</summary>
internal sealed class HelpCommand : ISmtpCommand
{
    private static readonly SmtpReply Verbs = new(214, "2.0.0", "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH");

    public string Verb => "HELP";

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel) => new(Verbs);
}
