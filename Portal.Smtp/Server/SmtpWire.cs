using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using Portal.Core.Certificates;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Server;

/// <summary>
/// The transport of one session: lines and message text in, replies out, every wait with its end. Replies are gathered and
/// sent when there is nothing more to read (RFC 2920 §3.2). It alone throws <see cref="ConnectionLost"/>. Longer than most files: two ends
/// that TLS replaces, what is unsent and the one deadline are one state, which every reading, sending and stopping touches.
/// </summary>
internal sealed class SmtpWire : IAsyncDisposable
{
    private static readonly TimeSpan AbortGrace = TimeSpan.FromSeconds(10);

    /// <summary>Replies that may wait for the end of a pipelined group; beyond that the client has to take some before we read on.</summary>
    private const int MaxUnsentBytes = 8 * 1024;
    private readonly SmtpDeadlines deadlines;
    private readonly SmtpOptions options;
    private readonly Action abort;
    private readonly long sessionEnd;
    private PipeReader input;
    private PipeWriter output;
    private SslStream? tls;
    private byte[] line = [];
    private int lineLength;
    private bool hasUnsent;
    private long due = long.MaxValue;
    private volatile bool isIdle;
    private volatile bool isStopping;

    /// <param name="transport">The two ends in clear.</param>
    /// <param name="deadlines">Watches the waits.</param>
    /// <param name="options">Timeouts and limits.</param>
    /// <param name="abort">Breaks the connection, for a peer that takes not even our last words.</param>
    public SmtpWire(IDuplexPipe transport, SmtpDeadlines deadlines, SmtpOptions options, Action abort)
    {
        (input, output, this.deadlines, this.options, this.abort) = (transport.Input, transport.Output, deadlines, options, abort);
        sessionEnd = After(options.SessionTimeout);
        deadlines.Add(this);
    }

    /// <summary>The line last read, without its CRLF; empty when it was too long.</summary>
    public ReadOnlySpan<byte> Line => line.AsSpan(0, lineLength);

    /// <summary>Whether the line last read was longer than asked for; it has been read away.</summary>
    public bool IsLineTooLong { get; private set; }

    /// <summary>Protocol and cipher suite; null in clear.</summary>
    public string? TlsDescription { get; private set; }

    /// <summary>Whether the server is being stopped.</summary>
    public bool IsStopping => isStopping;

    /// <summary>Puts a reply behind those not yet sent.</summary>
    public void Write(SmtpReply reply)
    {
        reply.WriteTo(output);
        hasUnsent = true;
    }

    /// <summary>Sends what has been written; past the end of the session too, for our last words.</summary>
    public async ValueTask FlushAsync()
    {
        if (!hasUnsent) return;
        hasUnsent = false;
        var end = After(options.ReplyTimeout);
        while (true)
        {
            Volatile.Write(ref due, end);
            FlushResult result;
            try
            {
                result = await output.FlushAsync();
            }
            catch (Exception e) when (IsLoss(e))
            {
                throw new ConnectionLost();
            }
            finally
            {
                Volatile.Write(ref due, long.MaxValue);
            }

            if (result.IsCompleted || (result.IsCanceled && IsOver(end))) throw new ConnectionLost();
            if (!result.IsCanceled) return;   // else an old cancellation came late: once more
        }
    }

    /// <summary>Reads the next line into <see cref="Line"/>; only CRLF ends it (RFC 5321 §2.3.8). False when the peer has closed.</summary>
    /// <param name="limit">Longest line with its CRLF, in octets.</param>
    public async ValueTask<bool> ReadLineAsync(int limit)
    {
        IsLineTooLong = false;
        lineLength = 0;
        if (hasUnsent && output.UnflushedBytes > MaxUnsentBytes) await FlushAsync();
        if (IsOver(sessionEnd)) throw new ConnectionLost(SmtpReply.SessionTooLong);   // also for a client that never lets us wait
        var commandEnd = long.MaxValue;
        while (true)
        {
            if (!input.TryRead(out var read))
            {
                if (commandEnd == long.MaxValue) commandEnd = After(options.CommandTimeout);
                read = await WaitAsync(commandEnd, isBetweenCommands: true) ?? throw new ConnectionLost(SmtpReply.TimedOut);
            }

            if (TakeLine(read.Buffer, limit)) return true;
            if (read.IsCompleted) return false;
        }
    }

    /// <summary>Reads message text to the final dot, whatever becomes of it.</summary>
    public async ValueTask ReadDataAsync(IncomingMessage message)
    {
        var decoder = new DotDecoder();
        var pace = new Pace();
        while (!decoder.IsComplete)
        {
            var read = await ReadBlockAsync(pace);
            var used = await DecodeAsync(read.Buffer, decoder, message);
            input.AdvanceTo(read.Buffer.GetPosition(used));
            if (!decoder.IsComplete && read.IsCompleted) throw new ConnectionLost();
        }
    }

    /// <summary>Reads a chunk of exactly so many octets (RFC 3030 §2); without a message they are thrown away.</summary>
    public async ValueTask ReadChunkAsync(long octets, IncomingMessage? message)
    {
        var pace = new Pace();
        while (octets > 0)
        {
            var read = await ReadBlockAsync(pace);
            var piece = read.Buffer.Slice(0, Math.Min(octets, read.Buffer.Length));
            foreach (var segment in piece)
            {
                if (message is not null) await message.AppendAsync(segment);
            }

            octets -= piece.Length;
            input.AdvanceTo(piece.End);
            if (octets > 0 && read.IsCompleted) throw new ConnectionLost();
        }
    }

    /// <summary>Starts TLS. What the client sent behind STARTTLS in clear is thrown away before it hears that it may start (RFC 3207 §4.2).</summary>
    public async Task StartTlsAsync(ServerCertificates certificates)
    {
        if (input.TryRead(out var injected)) input.AdvanceTo(injected.Buffer.End);
        await FlushAsync();
        await BeginTlsAsync(certificates);
    }

    /// <summary>Shakes hands at once (RFC 8314 §3.3): what has come in already is the client's first word of TLS.</summary>
    public async Task BeginTlsAsync(ServerCertificates certificates)
    {
        var stream = new SslStream(new DuplexPipeStream(input, output), leaveInnerStreamOpen: true);
        Volatile.Write(ref due, Math.Min(After(options.HandshakeTimeout), sessionEnd));
        try
        {
            await stream.AuthenticateAsServerAsync((_, hello, _, _) => new(Handshake(certificates, hello.ServerName)), state: null, CancellationToken.None);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or InvalidOperationException
            or NotSupportedException or ArgumentException or IndexOutOfRangeException)   // the last three: what .NET says of a first word that is no client hello
        {
            await stream.DisposeAsync();
            throw new ConnectionLost();
        }
        finally
        {
            Volatile.Write(ref due, long.MaxValue);
        }

        tls = stream;
        // New ends: the old ones belong to the TLS stream now. Zero-byte reads: an idle session holds no buffer.
        input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        TlsDescription = $"{stream.SslProtocol switch { SslProtocols.Tls12 => "TLSv1.2", SslProtocols.Tls13 => "TLSv1.3", var other => other.ToString() }} {stream.NegotiatedCipherSuite}";
    }

    private static SslServerAuthenticationOptions Handshake(ServerCertificates certificates, string serverName) => new()
    {
        ServerCertificateContext = certificates.ContextFor(serverName),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
    };

    /// <summary>The server stops: a session that waits for a command ends with 421, one that reads a message may finish it.</summary>
    public void Stop()
    {
        isStopping = true;
        Interlocked.MemoryBarrier();   // against the wait that sets isIdle and then looks at isStopping
        if (isIdle) input.CancelPendingRead();
    }

    /// <summary>Called by the one timer: ends a wait that is over.</summary>
    internal void Look(long now)
    {
        var end = Volatile.Read(ref due);
        if (now < end) return;
        input.CancelPendingRead();
        output.CancelPendingFlush();
        if (deadlines.Clock.GetElapsedTime(end, now) > AbortGrace) abort();
    }

    /// <summary>Says goodbye to a TLS peer, so that it can tell the end from a cut (RFC 8446 §6.1).</summary>
    public async ValueTask CloseAsync()
    {
        await FlushAsync();
        if (tls is null) return;
        Volatile.Write(ref due, After(AbortGrace));
        try
        {
            await tls.ShutdownAsync();
        }
        catch (Exception e) when (IsLoss(e))
        {
            throw new ConnectionLost();
        }
        finally
        {
            Volatile.Write(ref due, long.MaxValue);
        }
    }

    public async ValueTask DisposeAsync()
    {
        deadlines.Remove(this);
        if (tls is null) return;   // the clear ends are the host's to complete
        await input.CompleteAsync();
        try
        {
            await output.CompleteAsync();   // sends what is left, if it can
        }
        catch (Exception e) when (IsLoss(e))
        {
            hasUnsent = false;   // nobody hears it any more
        }

        await tls.DisposeAsync();
    }

    private static bool IsLoss(Exception e) => e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    private static async ValueTask<long> DecodeAsync(ReadOnlySequence<byte> buffer, DotDecoder decoder, IncomingMessage message)
    {
        long used = 0;
        foreach (var segment in buffer)
        {
            var rest = segment;
            while (rest.Length > 0 && !decoder.IsComplete)
            {
                var taken = decoder.Decode(rest, out var content);
                if (content.Length > 0) await message.AppendAsync(content);
                rest = rest[taken..];
                used += taken;
            }
        }

        return used;
    }

    private bool TakeLine(ReadOnlySequence<byte> buffer, int limit)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (reader.TryReadTo(out ReadOnlySequence<byte> found, "\r\n"u8))
        {
            IsLineTooLong |= found.Length + 2 > limit;
            if (!IsLineTooLong) Keep(found);
            input.AdvanceTo(reader.Position);
            return true;
        }

        if (buffer.Length < limit)
        {
            input.AdvanceTo(buffer.Start, buffer.End);
            return false;
        }

        // Too long: let go of it all but a CR that may be half of the end.
        IsLineTooLong = true;
        var last = buffer.Slice(buffer.Length - 1);
        input.AdvanceTo(last.FirstSpan[0] == '\r' ? last.Start : buffer.End, buffer.End);
        return false;
    }

    private void Keep(ReadOnlySequence<byte> found)
    {
        lineLength = (int)found.Length;
        if (line.Length < lineLength) line = new byte[Math.Max(128, lineLength)];
        found.CopyTo(line);
    }

    private async ValueTask<ReadResult> ReadBlockAsync(Pace pace)
    {
        while (true)
        {
            if (input.TryRead(out var ready))
            {
                if (ready.IsCanceled)
                {
                    input.AdvanceTo(ready.Buffer.Start);
                    continue;
                }

                if (ready.Buffer.IsEmpty && ready.IsCompleted) throw new ConnectionLost();
                pace.Octets += ready.Buffer.Length;
                return ready;
            }

            var from = deadlines.Clock.GetTimestamp();
            var window = options.MinDataBytesPerSecond > 0 ? Pace.Window - pace.Waited : options.DataBlockTimeout;
            var wait = window < options.DataBlockTimeout ? window : options.DataBlockTimeout;
            var read = await WaitAsync(After(wait), isBetweenCommands: false);
            pace.Waited += deadlines.Clock.GetElapsedTime(from);
            pace.Octets += read?.Buffer.Length ?? 0;
            if (read is null && options.MinDataBytesPerSecond == 0) throw new ConnectionLost(SmtpReply.TimedOut);
            if (pace.Waited >= Pace.Window && options.MinDataBytesPerSecond > 0 && pace.IsBelow(options.MinDataBytesPerSecond)) throw new ConnectionLost(SmtpReply.TooSlow);
            if (pace.Waited >= Pace.Window) (pace.Waited, pace.Octets) = (TimeSpan.Zero, 0);
            if (read is { } block)
            {
                if (block.Buffer.IsEmpty && block.IsCompleted) throw new ConnectionLost();
                return block;
            }

            if (wait == options.DataBlockTimeout) throw new ConnectionLost(SmtpReply.TimedOut);
        }
    }

    /// <summary>Sends what is unsent and waits for more; null when the wait is over.</summary>
    private async ValueTask<ReadResult?> WaitAsync(long end, bool isBetweenCommands)
    {
        await FlushAsync();
        while (true)
        {
            isIdle = isBetweenCommands;
            Interlocked.MemoryBarrier();
            if (isBetweenCommands && isStopping) throw new ConnectionLost(SmtpReply.ShuttingDown);
            Volatile.Write(ref due, Math.Min(end, sessionEnd));
            ReadResult read;
            try
            {
                if (IsOver(sessionEnd)) throw new ConnectionLost(SmtpReply.SessionTooLong);
                if (IsOver(end)) return null;   // while we were sending
                read = await input.ReadAsync();
            }
            catch (Exception e) when (IsLoss(e))
            {
                throw new ConnectionLost();
            }
            finally
            {
                isIdle = false;
                Volatile.Write(ref due, long.MaxValue);
            }

            if (!read.IsCanceled) return read;
            input.AdvanceTo(read.Buffer.Start, read.Buffer.Start);
        }
    }

    private long After(TimeSpan wait) => deadlines.Clock.GetTimestamp() + (long)(wait.TotalSeconds * deadlines.Clock.TimestampFrequency);

    private bool IsOver(long end) => deadlines.Clock.GetTimestamp() >= end;

    /// <summary>How fast message text comes, measured only while we wait for it.</summary>
    private sealed class Pace
    {
        public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

        public TimeSpan Waited { get; set; }

        public long Octets { get; set; }

        public bool IsBelow(int bytesPerSecond) => Octets < bytesPerSecond * (long)Window.TotalSeconds;
    }
}
