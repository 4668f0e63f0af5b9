using Microsoft.Extensions.Options;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>HELO: begins a session without extensions (RFC 5321 §4.1.1.1).</summary>
internal sealed class HeloCommand(IOptions<SmtpOptions> options) : ISmtpCommand
{
    public string Verb => "HELO";

    public ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (!IsName(argument)) return new(SmtpReply.BadArgument);
        session.Greet(argument, isExtended: false);
        return new(new SmtpReply(250, "", options.Value.HostName));
    }

    // RFC 5321 §4.1.4 forbids to refuse a client for a name that does not check out; so any one printable word will do.
    internal static bool IsName(string argument) => argument.Length is > 0 and <= 255 && !argument.Any(c => c <= ' ' || char.IsControl(c) || char.IsWhiteSpace(c));
}
