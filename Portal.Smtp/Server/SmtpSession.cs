using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using Portal.Core.Accounts;
using Portal.Core.Logs;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Server;

/// <summary>
/// One SMTP session: reads a line, looks up the verb, tests its needs, writes the reply. Its state is what is below and no more;
/// the database is nowhere in sight.
/// </summary>
internal sealed partial class SmtpSession(SmtpServer server, SmtpWire wire, SmtpListener listener, IPAddress client)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private int errors;
    private bool isTlsRequested;

    /// <summary>Names the session in log and trace.</summary>
    public string Id { get; } = Guid.CreateVersion7().ToString("N");

    public SmtpWire Wire => wire;

    public SmtpListener Listener => listener;

    public IPAddress Client => client;

    /// <summary>What the client called itself; null before EHLO or HELO.</summary>
    public string? Hello { get; private set; }

    /// <summary>Whether it said EHLO.</summary>
    public bool IsExtended { get; private set; }

    public bool IsSecure => wire.TlsDescription is not null;

    /// <summary>Who is authenticated; null for nobody.</summary>
    public AccountSnapshot? Account { get; set; }

    /// <summary>The open mail transaction; null when there is none.</summary>
    public Envelope? Envelope { get; private set; }

    /// <summary>What Received and the trace tell of this client.</summary>
    public Origin Origin => new(listener.IsSubmission ? TraceSource.Submission : TraceSource.Mx, client, Hello)
    {
        SessionId = Id,
        IsExtended = IsExtended,
        Tls = wire.TlsDescription,
        AccountId = Account?.Id,
        SecurityStamp = Account?.SecurityStamp,
    };

    /// <summary>Talks until either side ends it.</summary>
    /// <param name="cancel">Fires when the connection is gone.</param>
    public async Task RunAsync(CancellationToken cancel)
    {
        // Every line that is logged on the way is found by the session, and by who is authenticated when it is written.
        using var scope = server.Logger.BeginScope(Marks());
        try
        {
            if (listener.Kind == SmtpListenerKind.Submissions) await wire.BeginTlsAsync(server.Certificates);
            wire.Write(new SmtpReply(220, "", $"{server.Options.HostName} ESMTP"));
            while (await wire.ReadLineAsync(IsExtended ? server.Options.MaxExtendedCommandOctets : server.Options.MaxCommandOctets))
            {
                var reply = await AnswerAsync(cancel);
                if (reply.IsPermanentFailure && ++errors >= server.Options.MaxErrors) reply = SmtpReply.TooManyErrors;
                if (reply.Close && reply != SmtpReply.Goodbye) EndTransaction(reply);
                wire.Write(reply);
                if (reply.Close) break;
                if (isTlsRequested) await StartTlsAsync();
            }

            await wire.CloseAsync();
        }
        catch (ConnectionLost lost)
        {
            EndTransaction(lost.LastWords);
            await SayAsync(lost.LastWords);
        }
        finally
        {
            EndTransaction();
        }
    }

    private IEnumerable<KeyValuePair<string, object>> Marks()
    {
        yield return new("SessionId", Id);
        if (Account is { } account) yield return new(LogText.AccountId, account.Id);
    }

    /// <summary>Sends an intermediate reply (334, 354) at once.</summary>
    public ValueTask ReplyAsync(SmtpReply reply)
    {
        wire.Write(reply);
        return wire.FlushAsync();
    }

    /// <summary>EHLO or HELO: names the client and clears what was before (RFC 5321 §4.1.4).</summary>
    public void Greet(string name, bool isExtended)
    {
        EndTransaction();
        (Hello, IsExtended) = (name, isExtended);
    }

    /// <summary>Opens a mail transaction.</summary>
    public void Begin(Envelope envelope) => Envelope = envelope;

    /// <summary>Clears the envelope, whatever became of it; what was refused or broken off in a transaction that brought no message reaches the trace here.</summary>
    /// <param name="lastWords">What the client is told when we break it off; null when it ends by itself.</param>
    public void EndTransaction(SmtpReply? lastWords = null)
    {
        if (Envelope is not { } envelope) return;
        Envelope = null;
        envelope.Incoming?.Dispose();
        server.Refusals.RecordUnlessTold(Origin, envelope, lastWords);
    }

    /// <summary>TLS begins after the reply to this command.</summary>
    public void RequestTls() => isTlsRequested = true;

    private async Task StartTlsAsync()
    {
        isTlsRequested = false;
        await wire.StartTlsAsync(server.Certificates);
        // RFC 3207 §4.2: what was learnt in clear is forgotten.
        EndTransaction();
        (Hello, IsExtended, Account) = (null, false, null);
    }

    private async ValueTask<SmtpReply> AnswerAsync(CancellationToken cancel)
    {
        if (wire.IsLineTooLong) return SmtpReply.LineTooLong;
        if (!TryRead(out var command, out var argument, out var refusal)) return refusal;
        if (Missing(command.Needs) is { } missing) return missing;
        try
        {
            return await command.HandleAsync(this, argument, cancel);
        }
        catch (ConnectionLost)
        {
            throw;   // only the transport's own reader and writer throw it
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            throw new ConnectionLost();
        }
        catch (Exception e)
        {
            // The one catch-all of the engine: a fault of ours (a full disk, a database away) reads as "later", never as "never".
            LogCommandFailed(server.Logger, command.Verb, e);
            return command.Fault;
        }
    }

    private bool TryRead(out ISmtpCommand command, out string argument, out SmtpReply refusal)
    {
        (command, argument, refusal) = (null!, "", SmtpReply.UnknownCommand);
        var line = wire.Line;
        if (line.ContainsAny((byte)'\r', (byte)'\n', (byte)0))
        {
            refusal = SmtpReply.BadLine;
            return false;
        }

        var space = line.IndexOf((byte)' ');
        var verb = space < 0 ? line.TrimEnd((byte)' ') : line[..space];
        if (server.Commands.Find(verb) is not { } found) return false;
        command = found;
        if (space < 0) return true;
        try
        {
            argument = StrictUtf8.GetString(line[(space + 1)..].TrimEnd((byte)' '));
            return true;
        }
        catch (DecoderFallbackException)
        {
            refusal = SmtpReply.BadSyntax;   // RFC 6531 §3.3: UTF-8 or nothing
            return false;
        }
    }

    private SmtpReply? Missing(Needs needs)
    {
        if (needs.HasFlag(Needs.Hello) && Hello is null) return SmtpReply.BadSequence;
        if (needs.HasFlag(Needs.Authentication) && listener.IsSubmission && Account is null) return IsSecure ? SmtpReply.AuthenticationRequired : SmtpReply.StartTlsFirst;
        if (needs.HasFlag(Needs.NoEnvelope) && Envelope is not null) return SmtpReply.BadSequence;
        if (needs.HasFlag(Needs.Envelope) && Envelope is null) return SmtpReply.BadSequence;
        return needs.HasFlag(Needs.NoChunks) && Envelope?.Incoming is not null ? SmtpReply.BadSequence : null;
    }

    private async Task SayAsync(SmtpReply? lastWords)
    {
        if (lastWords is null) return;
        try
        {
            wire.Write(lastWords);
            await wire.CloseAsync();
        }
        catch (ConnectionLost)
        {
            // It could not hear even that.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "SMTP command {Verb} failed; answered with a temporary error")]
    private static partial void LogCommandFailed(ILogger logger, string verb, Exception exception);
}
