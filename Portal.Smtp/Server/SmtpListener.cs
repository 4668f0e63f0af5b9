using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Portal.Smtp.Server;

/// <summary>What a port is for.</summary>
public enum SmtpListenerKind
{
    /// <summary>Takes mail from everybody for own domains (RFC 5321).</summary>
    Mx,

    /// <summary>Takes mail from own people, STARTTLS (RFC 6409).</summary>
    Submission,

    /// <summary>Takes mail from own people, TLS from the first octet (RFC 8314 §3.3).</summary>
    Submissions,
}

/// <summary>Kind of the port a connection came in by; set as a feature of the connection.</summary>
internal sealed record SmtpListener(SmtpListenerKind Kind)
{
    public bool IsSubmission => Kind != SmtpListenerKind.Mx;
}

public static class SmtpListenOptions
{
    /// <summary>Speaks SMTP on a Kestrel endpoint: <c>kestrel.Listen(address, port, listen => listen.UseSmtp(SmtpListenerKind.Mx))</c>.</summary>
    public static IConnectionBuilder UseSmtp(this ListenOptions listen, SmtpListenerKind kind)
    {
        var listener = new SmtpListener(kind);
        listen.Use(next => connection =>
        {
            connection.Features.Set(listener);
            return next(connection);
        });
        return listen.UseConnectionHandler<SmtpConnectionHandler>();
    }
}
