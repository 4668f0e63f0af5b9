using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>QUIT: ends the session (RFC 5321 §4.1.1.10).</summary>
internal sealed class QuitCommand : ISmtpCommand
{
    public string Verb => "QUIT";

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel) =>
        new(argument.Length > 0 ? SmtpReply.NoArgument : SmtpReply.Goodbye);
}
