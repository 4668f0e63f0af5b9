using System.Globalization;
using Microsoft.Extensions.Options;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>EHLO: begins a session and names the extensions (RFC 5321 §4.1.1.1).</summary>
internal sealed class EhloCommand(IOptions<SmtpOptions> options) : ISmtpCommand
{
    public string Verb => "EHLO";

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (!HeloCommand.IsName(argument)) return new(SmtpReply.BadArgument);
        session.Greet(argument, isExtended: true);

        var size = options.Value.MaxMessageSizeBytes.ToString(CultureInfo.InvariantCulture);
        var text = $"{options.Value.HostName}\nPIPELINING\nSIZE {size}\n8BITMIME\nSMTPUTF8\nCHUNKING\nENHANCEDSTATUSCODES\nDSN";
        if (!session.IsSecure) text += "\nSTARTTLS";
        // RFC 4954 §4: never in clear, and never where anybody's mail comes in.
        else if (session.Listener.IsSubmission) text += "\nAUTH PLAIN LOGIN";
        return new(new SmtpReply(250, "", text));
    }
}
