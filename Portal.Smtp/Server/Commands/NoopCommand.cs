using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>NOOP: does nothing; its argument is ignored (RFC 5321 §4.1.1.9).</summary>
internal sealed class NoopCommand : ISmtpCommand
{
    public string Verb => "NOOP";

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel) => new(SmtpReply.Ok);
}
