using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Portal.Core.Addresses;
using Portal.Core.Queue;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>The transport below <see cref="SmtpConnection"/>: octets out and replies in, each wait bounded, each fault a <see cref="SmtpFailure"/> with its stage.</summary>
internal sealed class PeerChannel : IAsyncDisposable
{
    private const int MaxLineOctets = 4096;   // RFC 5321 §4.5.3.1.5 says 512; servers with long texts exceed it

    private readonly Socket socket;
    private readonly PeerAddress peer;
    private readonly TimeProvider clock;
    private readonly byte[] received = new byte[MaxLineOctets];
    private Stream stream;
    private PeerReply? goodbye;
    private int start;
    private int end;

    private PeerChannel(Socket socket, PeerAddress peer, TimeProvider clock)
    {
        (this.socket, this.peer, this.clock) = (socket, peer, clock);
        stream = new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>False once the server has said goodbye or the dialogue is out of step.</summary>
    public bool IsUsable { get; set; } = true;

    /// <summary>Whether octets are here that nobody has read.</summary>
    public bool HasUnread => start < end;

    /// <summary>TLS version and cipher; null in clear.</summary>
    public string? Tls { get; private set; }

    public bool? IsCertificateValid { get; private set; }

    public static async Task<PeerChannel> ConnectAsync(PeerAddress peer, DeliveryOptions options, TimeProvider clock, CancellationToken cancel)
    {
        var socket = new Socket(peer.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            var source = peer.EndPoint.AddressFamily == AddressFamily.InterNetwork ? options.SourceAddress : options.SourceAddressV6;
            await Timed(
                SmtpStage.Connect,
                options.ConnectTimeout,
                clock,
                peer,
                async within =>
                {
                    if (source is not null) socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
                    await socket.ConnectAsync(peer.EndPoint, within);
                    return 0;
                },
                cancel);
            return new PeerChannel(socket, peer, clock);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>TLS from here on; the certificate must be valid where the route asks for it.</summary>
    public async Task SecureAsync(TimeSpan limit, CancellationToken cancel)
    {
        var errors = SslPolicyErrors.None;
        var mustBeValid = peer.Tls is RouteTls.Required or RouteTls.Implicit;
        var tls = new SslStream(stream, leaveInnerStreamOpen: false);
        stream = tls;
        try
        {
            var settings = new SslClientAuthenticationOptions
            {
                TargetHost = peer.Host,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                // Opportunistic TLS takes any certificate: the alternative is no TLS at all (RFC 7435 §1.2).
                RemoteCertificateValidationCallback = (_, _, _, found) => (errors = found) == SslPolicyErrors.None || !mustBeValid,
            };
            await Timed(
                SmtpStage.Tls,
                limit,
                clock,
                peer,
                async within =>
                {
                    await tls.AuthenticateAsClientAsync(settings, within);
                    return 0;
                },
                cancel);
        }
        catch (AuthenticationException e)
        {
            var why = errors == SslPolicyErrors.None ? "the TLS handshake failed" : $"its certificate is not valid ({errors})";
            throw new SmtpFailure(SmtpStage.Tls, DeferCause.Tls, $"{peer}: {why}", null, e) { Fault = errors == SslPolicyErrors.None ? SmtpFault.TlsFailed : SmtpFault.CertificateNotValid };
        }
        catch (SmtpFailure e)
        {
            throw new SmtpFailure(SmtpStage.Tls, DeferCause.Tls, $"{peer}: the TLS handshake failed", null, e) { Fault = SmtpFault.TlsFailed };   // an old server often just hangs up
        }

        Tls = $"{tls.SslProtocol} {tls.NegotiatedCipherSuite}";
        IsCertificateValid = errors == SslPolicyErrors.None;
    }

    public Task WriteAsync(SmtpStage stage, TimeSpan limit, ReadOnlyMemory<byte> octets, CancellationToken cancel) =>
        Timed(
            stage,
            limit,
            clock,
            peer,
            async within =>
            {
                await stream.WriteAsync(octets, within);
                await stream.FlushAsync(within);
                return 0;
            },
            cancel);

    public async Task<PeerReply> ReadReplyAsync(SmtpStage stage, TimeSpan limit, CancellationToken cancel)
    {
        try
        {
            var reply = await Timed(stage, limit, clock, peer, ReadAsync, cancel);
            if (reply.Code != 421) return reply;

            IsUsable = false;   // RFC 5321 §3.8: it closes the channel, whatever it was asked
            return goodbye = reply;
        }
        catch (FormatException e)
        {
            IsUsable = false;
            throw new SmtpFailure(stage, DeferCause.RemoteFault, $"{peer}: {e.Message}", null, e) { Fault = SmtpFault.NotSmtp };
        }
        catch (SmtpFailure failure) when (goodbye is { } last && failure.Cause == DeferCause.Network)
        {
            throw new SmtpFailure(stage, ReplyCause.Of(last), $"{peer}: {last}", last, failure);   // it had said that it would hang up, and why
        }
    }

    private async Task<PeerReply> ReadAsync(CancellationToken cancel)
    {
        var assembler = new PeerReplyAssembler();
        while (true)
            if (assembler.Add((await ReadLineAsync(cancel)).Span) is { } whole) return whole;
    }

    /// <summary>Closes at once: what was on its way never counts.</summary>
    public void Abort()
    {
        IsUsable = false;
        stream.Dispose();
        socket.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        socket.Dispose();
    }

    // A line may end in a bare LF: nothing is smuggled by an answer, and old servers send it.
    private async ValueTask<ReadOnlyMemory<byte>> ReadLineAsync(CancellationToken cancel)
    {
        var searched = start;
        while (true)
        {
            var found = received.AsSpan(searched, end - searched).IndexOf((byte)'\n');
            if (found >= 0)
            {
                var line = received.AsMemory(start, searched + found - start);
                start = searched + found + 1;
                return line.Span is [.., (byte)'\r'] ? line[..^1] : line;
            }

            if (start > 0)
            {
                received.AsSpan(start, end - start).CopyTo(received);
                (start, end) = (0, end - start);
            }

            if (end == received.Length) throw new FormatException("reply line too long");
            searched = end;
            var read = await stream.ReadAsync(received.AsMemory(end), cancel);
            if (read == 0) throw new IOException("the server closed the connection");
            end += read;
        }
    }

    private static async Task<T> Timed<T>(SmtpStage stage, TimeSpan limit, TimeProvider clock, PeerAddress peer, Func<CancellationToken, Task<T>> step, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            return await step(either.Token);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new SmtpFailure(stage, DeferCause.Network, $"{peer} did not answer within {limit.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s", null, e) { Fault = SmtpFault.TimedOut };
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            var socketError = e as SocketException ?? e.InnerException as SocketException;
            throw new SmtpFailure(stage, DeferCause.Network, $"{peer}: {Words(socketError?.SocketErrorCode, e)}", null, e) { Fault = FaultOf(socketError?.SocketErrorCode) };
        }
    }

    private static SmtpFault FaultOf(SocketError? error) => error switch
    {
        SocketError.ConnectionRefused => SmtpFault.ConnectionRefused,
        SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.NetworkDown or SocketError.HostDown => SmtpFault.Unreachable,
        SocketError.TimedOut => SmtpFault.TimedOut,
        SocketError.AddressNotAvailable => SmtpFault.OurFault,   // the source address of the settings is none of this machine's
        _ => SmtpFault.BrokenOff,
    };

    private static string Words(SocketError? error, Exception e) => error switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.ConnectionReset or SocketError.Shutdown => "connection reset",
        SocketError.TimedOut => "connection timed out",
        SocketError.NetworkUnreachable => "network unreachable",
        SocketError.HostUnreachable => "host unreachable",
        null => e is ObjectDisposedException ? "connection closed" : e.Message,
        _ => error.ToString()!,
    };
}
