using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>RSET: clears the open mail transaction (RFC 5321 §4.1.1.5).</summary>
internal sealed class RsetCommand : ISmtpCommand
{
    public string Verb => "RSET";

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (argument.Length > 0) return new(SmtpReply.NoArgument);
        session.EndTransaction();
        return new(SmtpReply.Ok);
    }
}
