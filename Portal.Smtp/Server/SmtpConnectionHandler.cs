using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server;

/// <summary>Where Kestrel hands over a connection: counts it, runs its session, and lets Kestrel end it.</summary>
internal sealed partial class SmtpConnectionHandler(SmtpServer server, SmtpDeadlines deadlines, ConnectionLimiter limiter) : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var listener = connection.Features.Get<SmtpListener>() ?? throw new InvalidOperationException("An SMTP endpoint is set up by UseSmtp.");
        var client = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (client.IsIPv4MappedToIPv6) client = client.MapToIPv4();

        using var admission = limiter.TryEnter(client, listener, out var refusal);
        await using var wire = new SmtpWire(connection.Transport, deadlines, server.Options, connection.Abort);
        if (admission is null)
        {
            LogTooMany(server.Logger, client, refusal.Text);
            await RefuseAsync(wire, listener, refusal);
            return;
        }

        // Stopping asks first; Kestrel breaks what has not ended when the host's patience is over.
        using var stop = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested.Register(static w => ((SmtpWire)w!).Stop(), wire);
        await new SmtpSession(server, wire, listener, client).RunAsync(connection.ConnectionClosed);
    }

    private static async Task RefuseAsync(SmtpWire wire, SmtpListener listener, SmtpReply refusal)
    {
        if (listener.Kind == SmtpListenerKind.Submissions) return;   // a handshake only to say no would cost more than the session
        try
        {
            wire.Write(refusal);
            await wire.FlushAsync();
        }
        catch (ConnectionLost)
        {
            // Gone already.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A connection from {Client} was refused: {Text}")]
    private static partial void LogTooMany(ILogger logger, IPAddress client, string text);
}
