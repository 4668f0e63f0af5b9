using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using MailKit.Security;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>
/// One connection to a remote SMTP server: the only code that speaks SMTP outwards. It carries content byte for byte, tells the
/// replies of MAIL, each RCPT, DATA and the final dot apart, and knows how far it had come when a connection dies (DESIGN §4). Longer than
/// most files, so that a dialogue with a server is read from greeting to farewell in one: octets and waits are <see cref="PeerChannel"/>'s,
/// the wording of the envelope <see cref="EnvelopeCommands"/>'.
/// </summary>
internal sealed class SmtpConnection : IAsyncDisposable
{
    private static readonly string[] Mechanisms = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"];

    private readonly PeerChannel channel;
    private readonly PeerAddress peer;
    private readonly DeliveryOptions options;
    private bool needsReset;

    private SmtpConnection(PeerChannel channel, PeerAddress peer, DeliveryOptions options) => (this.channel, this.peer, this.options) = (channel, peer, options);

    /// <summary>The server at the other end.</summary>
    public PeerAddress Peer => peer;

    /// <summary>What the server offers, as of its last EHLO reply.</summary>
    public PeerExtensions Extensions { get; private set; } = PeerExtensions.None;

    /// <summary>TLS version and cipher; null in clear.</summary>
    public string? Tls => channel.Tls;

    /// <summary>Whether the certificate is one that a route with required TLS would take; null in clear.</summary>
    public bool? IsCertificateValid => channel.IsCertificateValid;

    /// <summary>Whether another transaction may be made; not after a fault, nor after the server's goodbye.</summary>
    public bool IsUsable => channel.IsUsable;

    /// <summary>Mail transactions made so far.</summary>
    public int Messages { get; private set; }

    /// <summary>Connects, greets, secures and authenticates.</summary>
    /// <exception cref="SmtpFailure">Whatever stood in the way, with the stage reached.</exception>
    public static async Task<SmtpConnection> OpenAsync(PeerAddress peer, DeliveryOptions options, TimeProvider clock, CancellationToken cancel)
    {
        var channel = await PeerChannel.ConnectAsync(peer, options, clock, cancel);
        try
        {
            var connection = new SmtpConnection(channel, peer, options);
            await connection.BeginAsync(cancel);
            return connection;
        }
        catch
        {
            channel.Abort();
            throw;
        }
    }

    /// <summary>Makes one mail transaction.</summary>
    /// <returns>One reply for each recipient, in their order; null for those that a fault left without one.</returns>
    public Task<TransactionResult> SendAsync(OutgoingMail mail, CancellationToken cancel) => SendAsync(mail, CancellationToken.None, cancel);

    /// <summary>The same.</summary>
    /// <param name="envelope">Ends it while no content was asked for.</param>
    public async Task<TransactionResult> SendAsync(OutgoingMail mail, CancellationToken envelope, CancellationToken cancel)
    {
        var replies = new RecipientReply?[mail.Recipients.Count];
        if (Refusal(mail) is { } refusal)
        {
            Array.Fill(replies, refusal);
            return new(replies, null);
        }

        // RFC 6531 §3.2: an address beyond ASCII goes only to a server that can take it.
        var wanted = new List<int>();
        for (var i = 0; i < replies.Length; i++)
        {
            if (!Extensions.SmtpUtf8 && !Ascii.IsValid(mail.Recipients[i].ForwardPath)) replies[i] = NoUtf8;
            else wanted.Add(i);
        }

        if (wanted.Count == 0) return new(replies, null);
        try
        {
            await TransactAsync(mail, wanted, replies, envelope, cancel);
            return new(replies, null);
        }
        catch (SmtpFailure failure)
        {
            channel.Abort();
            return new(replies, failure);
        }
        catch
        {
            channel.Abort();
            throw;
        }
    }

    /// <summary>Begins a transaction from the null reverse-path and breaks it off before the content: what the server says to the recipient, or to MAIL.</summary>
    /// <exception cref="SmtpFailure">The connection ended first.</exception>
    public async Task<RecipientReply> AskAsync(string forwardPath, CancellationToken cancel)
    {
        var mail = new OutgoingMail { ReversePath = "", Recipients = [new(forwardPath)], SizeBytes = 0, OpenContentAsync = _ => Task.FromResult(Stream.Null) };
        var commands = EnvelopeCommands.Of(mail, [0], Extensions, isChunked: false)[..^1];   // without DATA
        var said = new PeerReply?[commands.Count];
        if (needsReset) await CommandAsync(SmtpStage.Mail, "RSET", cancel);
        needsReset = true;
        await (Extensions.Pipelining ? PipelineAsync(commands, said, cancel) : OneByOneAsync(commands, said, cancel));
        return said[0] is { IsPositive: false } refused ? new(refused, SmtpStage.Mail) : new(said[1]!, SmtpStage.Recipient);
    }

    /// <summary>Says goodbye; what the server answers changes nothing.</summary>
    public async Task QuitAsync()
    {
        if (!IsUsable) return;
        try
        {
            channel.IsUsable = false;
            await WriteAsync(SmtpStage.End, options.QuitTimeout, "QUIT\r\n", CancellationToken.None);
            await channel.ReadReplyAsync(SmtpStage.End, options.QuitTimeout, CancellationToken.None);
        }
        catch (SmtpFailure)
        {
            // The mail is settled; a farewell that failed is none of its business (RFC 5321 §4.1.1.10).
        }
    }

    public ValueTask DisposeAsync() => channel.DisposeAsync();

    private static RecipientReply NoUtf8 => new(PeerReply.Ours(550, "5.6.7", "The destination does not take internationalised mail (SMTPUTF8)"), SmtpStage.Mail);

    /// <summary>What needs no question: the server's EHLO reply already says no.</summary>
    private RecipientReply? Refusal(OutgoingMail mail)
    {
        if (!Extensions.SmtpUtf8 && (mail.Needs.HasFlag(MessageNeeds.Utf8Headers) || !Ascii.IsValid(mail.ReversePath))) return NoUtf8;
        if (Extensions.MaxSizeBytes < mail.SizeBytes)
            return new(PeerReply.Ours(552, "5.3.4", string.Create(CultureInfo.InvariantCulture, $"The destination takes at most {Extensions.MaxSizeBytes} octets")), SmtpStage.Mail);
        return null;
    }

    private async Task BeginAsync(CancellationToken cancel)
    {
        if (peer.Tls == RouteTls.Implicit) await channel.SecureAsync(options.CommandTimeout, cancel);

        var greeting = await channel.ReadReplyAsync(SmtpStage.Greeting, options.GreetingTimeout, cancel);
        if (greeting.Code != 220) throw Refused(SmtpStage.Greeting, greeting);
        await HelloAsync(cancel);

        if (Tls is null && peer.Tls != RouteTls.None)
        {
            if (Extensions.StartTls) await StartTlsAsync(cancel);
            else if (peer.Tls == RouteTls.Required) throw new SmtpFailure(SmtpStage.Tls, DeferCause.Tls, $"{peer} offers no STARTTLS, and the route requires TLS") { Fault = SmtpFault.TlsNotOffered };
        }

        if (peer.Credentials is not null) await AuthenticateAsync(cancel);
    }

    private async Task HelloAsync(CancellationToken cancel)
    {
        var hello = await CommandAsync(SmtpStage.Hello, $"EHLO {options.HostName}", cancel);
        if (hello.IsPositive)
        {
            Extensions = PeerExtensions.Read(hello);
            return;
        }

        // RFC 5321 §3.2: a server that knows no EHLO gets HELO.
        if (hello.IsPermanent && IsUsable) hello = await CommandAsync(SmtpStage.Hello, $"HELO {options.HostName}", cancel);
        if (!hello.IsPositive) throw Refused(SmtpStage.Hello, hello);
        Extensions = PeerExtensions.None;
    }

    private async Task StartTlsAsync(CancellationToken cancel)
    {
        var ready = await CommandAsync(SmtpStage.Tls, "STARTTLS", cancel);
        if (ready.Code != 220)
        {
            if (peer.Tls == RouteTls.Required) throw Refused(SmtpStage.Tls, ready, DeferCause.Tls, SmtpFault.TlsNotOffered);
            if (!IsUsable) throw Refused(SmtpStage.Tls, ready);
            return;   // opportunistic: on in clear (RFC 7435 §4)
        }

        // RFC 3207 §4.2: what came in clear behind the 220 was not said by the server we are about to know.
        if (channel.HasUnread) throw new SmtpFailure(SmtpStage.Tls, DeferCause.Tls, $"{peer} sent data ahead of the TLS handshake") { Fault = SmtpFault.TlsFailed };
        await channel.SecureAsync(options.CommandTimeout, cancel);
        await HelloAsync(cancel);   // RFC 3207 §4.2: forget what was offered in clear
    }

    private async Task AuthenticateAsync(CancellationToken cancel)
    {
        // RFC 4954 §4: no password in clear, but to this machine.
        if (Tls is null && !IPAddress.IsLoopback(peer.EndPoint.Address))
            throw new SmtpFailure(SmtpStage.Authentication, DeferCause.Tls, $"{peer}: no password is sent without TLS") { Fault = SmtpFault.TlsNotOffered };

        var mechanism = Extensions.AuthMechanisms
            .Where(name => Mechanisms.Contains(name))
            .OrderBy(name => Array.IndexOf(Mechanisms, name))   // the strongest first
            .Select(name => SaslMechanism.Create(name, Encoding.UTF8, peer.Credentials!))
            .FirstOrDefault() ?? throw new SmtpFailure(SmtpStage.Authentication, DeferCause.RemotePolicy, $"{peer} offers no authentication mechanism that we have") { Fault = SmtpFault.SignIn };

        try
        {
            var command = $"AUTH {mechanism.MechanismName}";
            if (mechanism.SupportsInitialResponse) command += await mechanism.ChallengeAsync(null, cancel) is { Length: > 0 } first ? $" {first}" : " =";   // RFC 4954 §4: "=" is an empty one
            var reply = await CommandAsync(SmtpStage.Authentication, command, cancel);
            while (reply.Code == 334)
                reply = await CommandAsync(SmtpStage.Authentication, await mechanism.ChallengeAsync(reply.Lines[0], cancel), cancel);
            if (reply.Code != 235) throw Refused(SmtpStage.Authentication, reply, DeferCause.RemotePolicy, SmtpFault.SignIn);
        }
        catch (Exception e) when (e is SaslException or FormatException)
        {
            throw new SmtpFailure(SmtpStage.Authentication, DeferCause.RemotePolicy, $"{peer}: authentication failed ({e.Message})", null, e) { Fault = SmtpFault.SignIn };
        }
    }

    private async Task TransactAsync(OutgoingMail mail, List<int> wanted, RecipientReply?[] replies, CancellationToken envelope, CancellationToken cancel)
    {
        var chunked = Extensions.Chunking && mail.Needs.HasFlag(MessageNeeds.Odd);   // what dots can't carry exactly, octet counts can (RFC 3030)
        var commands = EnvelopeCommands.Of(mail, wanted, Extensions, chunked);

        var said = new PeerReply?[commands.Count];
        using var within = CancellationTokenSource.CreateLinkedTokenSource(envelope, cancel);
        try
        {
            if (needsReset) await CommandAsync(SmtpStage.Mail, "RSET", within.Token);
            Messages++;
            needsReset = true;
            await (Extensions.Pipelining ? PipelineAsync(commands, said, within.Token) : OneByOneAsync(commands, said, within.Token));
        }
        catch (OperationCanceledException) when (envelope.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new SmtpFailure(SmtpStage.Recipient, DeferCause.Network, $"{peer}: the envelope took too long") { Fault = SmtpFault.TookTooLong };
        }
        finally
        {
            Sort(said, wanted, replies);   // also when the connection died: who was refused by then is refused
        }

        var accepted = wanted.FindAll(i => replies[i] is null);
        var data = chunked ? null : said[^1];
        if (accepted.Count == 0)
        {
            // RFC 2920 §3.1: a server may say 354 to nobody's mail; it gets an empty message and refuses that.
            if (data?.IsIntermediate == true)
            {
                await WriteAsync(SmtpStage.Content, options.CommandTimeout, ".\r\n", cancel);
                await channel.ReadReplyAsync(SmtpStage.End, options.DataEndTimeout, cancel);
            }

            return;
        }

        if (!chunked && !data!.IsIntermediate)
        {
            foreach (var i in accepted) replies[i] = new(data, SmtpStage.Data);
            return;
        }

        var final = await SendContentAsync(mail, chunked, cancel);
        foreach (var i in accepted) replies[i] = new(final, SmtpStage.End);
        needsReset = false;   // RFC 5321 §4.1.1.4: the reply to the dot ends the transaction, whatever it was
    }

    /// <summary>Gives each recipient the reply that refused it; who was accepted has none yet.</summary>
    private static void Sort(PeerReply?[] said, List<int> wanted, RecipientReply?[] replies)
    {
        if (said[0] is not { } mail) return;
        for (var n = 0; n < wanted.Count; n++)
        {
            if (!mail.IsPositive) replies[wanted[n]] = new(mail, SmtpStage.Mail);   // a refused MAIL: what RCPT was answered means nothing
            else if (said[n + 1] is { IsPositive: false } refused) replies[wanted[n]] = new(refused, SmtpStage.Recipient);
        }
    }

    /// <summary>All commands in one go; replies are read while we write, or both sides could wait for each other (RFC 2920 §3.1).</summary>
    private async Task PipelineAsync(List<string> commands, PeerReply?[] said, CancellationToken cancel)
    {
        var writing = WriteAsync(SmtpStage.Mail, options.CommandTimeout, string.Join("\r\n", commands) + "\r\n", cancel);
        try
        {
            for (var n = 0; n < said.Length; n++) said[n] = await channel.ReadReplyAsync(StageOf(n, commands), WaitFor(n, commands), cancel);
        }
        catch
        {
            channel.Abort();   // the writer may hang where the reader has given up
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        await writing;
    }

    private async Task OneByOneAsync(List<string> commands, PeerReply?[] said, CancellationToken cancel)
    {
        for (var n = 0; n < said.Length; n++)
        {
            if (n > 0 && !said[0]!.IsPositive) return;
            if (commands[n] == "DATA" && !said[1..n].Any(r => r!.IsPositive)) return;
            said[n] = await SayAsync(n);
        }

        async Task<PeerReply> SayAsync(int n)
        {
            await WriteAsync(StageOf(n, commands), options.CommandTimeout, commands[n] + "\r\n", cancel);
            return await channel.ReadReplyAsync(StageOf(n, commands), WaitFor(n, commands), cancel);
        }
    }

    private static SmtpStage StageOf(int n, List<string> commands) => n == 0 ? SmtpStage.Mail : commands[n] == "DATA" ? SmtpStage.Data : SmtpStage.Recipient;

    private TimeSpan WaitFor(int n, List<string> commands) => commands[n] == "DATA" ? options.DataStartTimeout : options.CommandTimeout;

    /// <summary>Streams the content as it is stored and reads the one reply to it.</summary>
    private async Task<PeerReply> SendContentAsync(OutgoingMail mail, bool chunked, CancellationToken cancel)
    {
        channel.IsUsable = false;   // until the reply: a command now would be content
        try
        {
            await using var content = await mail.OpenContentAsync(cancel);
            if (chunked) await WriteAsync(SmtpStage.Content, options.DataBlockTimeout, string.Create(CultureInfo.InvariantCulture, $"BDAT {mail.SizeBytes} LAST\r\n"), cancel);
            await CopyAsync(content, chunked ? null : new DotEncoder(), mail.SizeBytes, cancel);
        }
        catch (SmtpFailure failure) when (failure.Cause == DeferCause.Network)
        {
            return await LastWordsAsync(cancel) ?? throw new SmtpFailure(failure.Stage, failure.Cause, failure.Message, null, failure) { Fault = failure.Fault };
        }
        catch (Exception e) when (e is not SmtpFailure && !cancel.IsCancellationRequested)
        {
            // The store failed in the middle: a dot now would make half a message whole.
            throw new SmtpFailure(SmtpStage.Content, DeferCause.LocalFault, "the content could not be read", null, e) { Fault = SmtpFault.OurFault };
        }

        var reply = await channel.ReadReplyAsync(SmtpStage.End, options.DataEndTimeout, cancel);
        channel.IsUsable = reply.Code != 421;
        return reply;
    }

    /// <summary>A server that hangs up in the middle has often said why (552, 421): that is worth more than "connection reset".</summary>
    private async Task<PeerReply?> LastWordsAsync(CancellationToken cancel)
    {
        try
        {
            var reply = await channel.ReadReplyAsync(SmtpStage.Content, options.QuitTimeout, cancel);
            return reply.IsTransient || reply.IsPermanent ? reply : null;
        }
        catch (SmtpFailure)
        {
            return null;
        }
    }

    private async Task CopyAsync(Stream content, DotEncoder? dots, long expectedBytes, CancellationToken cancel)
    {
        const int BlockOctets = 32 * 1024;
        var block = ArrayPool<byte>.Shared.Rent(BlockOctets);
        var encoded = ArrayPool<byte>.Shared.Rent(DotEncoder.MaxEncoded(block.Length));
        try
        {
            long sent = 0;
            int read;
            while ((read = await content.ReadAsync(block, cancel)) > 0)
            {
                sent += read;
                var piece = dots is null ? block.AsMemory(0, read) : encoded.AsMemory(0, dots.Encode(block.AsSpan(0, read), encoded));
                await channel.WriteAsync(SmtpStage.Content, options.DataBlockTimeout, piece, cancel);
            }

            if (sent != expectedBytes) throw new IOException("The content is not as long as its message says.");
            if (dots is not null) await channel.WriteAsync(SmtpStage.Content, options.DataBlockTimeout, dots.End().ToArray(), cancel);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
            ArrayPool<byte>.Shared.Return(encoded);
        }
    }

    private async Task<PeerReply> CommandAsync(SmtpStage stage, string command, CancellationToken cancel)
    {
        await WriteAsync(stage, options.CommandTimeout, command + "\r\n", cancel);
        return await channel.ReadReplyAsync(stage, options.CommandTimeout, cancel);
    }

    private Task WriteAsync(SmtpStage stage, TimeSpan limit, string text, CancellationToken cancel) => channel.WriteAsync(stage, limit, Encoding.UTF8.GetBytes(text), cancel);

    private SmtpFailure Refused(SmtpStage stage, PeerReply reply, DeferCause? cause = null, SmtpFault fault = SmtpFault.Answered) =>
        new(stage, cause ?? ReplyCause.Of(reply), $"{peer}: {reply}", reply) { Fault = fault };
}
