using Portal.Core.Certificates;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>STARTTLS (RFC 3207).</summary>
internal sealed class StartTlsCommand(ServerCertificates certificates) : ISmtpCommand
{
    public string Verb => "STARTTLS";

    public Needs Needs => Needs.Hello;

    public SmtpReply Fault => SmtpReply.TlsUnavailable;

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (argument.Length > 0) return new(SmtpReply.NoArgument);
        if (session.IsSecure) return new(SmtpReply.AlreadySecure);

        _ = certificates.ContextFor(null);   // a fault here is still a 454; after the 220 there is nothing left to say
        session.RequestTls();
        return new(SmtpReply.StartTls);
    }
}
