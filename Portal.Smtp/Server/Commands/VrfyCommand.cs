using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>VRFY: tells nobody who exists (RFC 5321 §3.5.3 and §7.3).</summary>
internal sealed class VrfyCommand : ISmtpCommand
{
    public string Verb => "VRFY";

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel) =>
        new(argument.Length == 0 ? SmtpReply.BadArgument : SmtpReply.CannotVerify);
}
