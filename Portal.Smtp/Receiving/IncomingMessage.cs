using System.Buffers;
using System.Runtime.ExceptionServices;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;
using Portal.Smtp.Submission;

namespace Portal.Smtp.Receiving;

/// <summary>
/// One message on its way in: measured against the limits and spooled as it flows. Neither a refusal nor a fault of ours stops
/// the reading; both are told at the end, so that message text is never run as commands.
/// </summary>
internal sealed class IncomingMessage : IDisposable
{
    private readonly ContentSpool spool;
    private readonly SmtpOptions options;
    private readonly ContentScan scan = new();
    private ArrayBufferWriter<byte>? header;
    private HeaderRepair? repair;
    private ExceptionDispatchInfo? fault;
    private long repairedHeaderBytes;

    /// <param name="spool">Where the content goes; owned from here on.</param>
    /// <param name="options">Limits.</param>
    /// <param name="repair">Mends the header of a submitted message; null leaves every octet alone.</param>
    public IncomingMessage(ContentSpool spool, SmtpOptions options, HeaderRepair? repair)
    {
        (this.spool, this.options, this.repair) = (spool, options, repair);
        if (repair is not null) header = new ArrayBufferWriter<byte>(2048);
    }

    /// <summary>Octets so far, as sent.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>Why the message can't be taken; null as long as it can.</summary>
    public SmtpReply? Refusal { get; private set; }

    /// <summary>What was measured against the limit that it passed; null where there is none.</summary>
    public IReadOnlyDictionary<string, string>? RefusalInputs =>
        Refusal == SmtpReply.MessageTooLarge ? TraceInputs.Of((TraceInputs.LimitBytes, options.MaxMessageSizeBytes))   // its size is told with every refusal
        : Refusal == SmtpReply.HeaderTooLarge ? TraceInputs.Of((TraceInputs.LimitBytes, options.MaxHeaderBytes), ("headerBytes", Math.Max(scan.HeaderBytes, repairedHeaderBytes)))
        : Refusal == SmtpReply.LineTooLongInText ? TraceInputs.Of((TraceInputs.LimitBytes, options.MaxTextLineOctets), ("lineBytes", scan.LongestLine))
        : null;

    /// <summary>Whether it is lost already, by a refusal or a fault of ours: more of it is only read away.</summary>
    public bool IsLost => Refusal is not null || fault is not null;

    /// <summary>Takes the next octets. Never throws: a fault waits for <see cref="CompleteAsync"/>.</summary>
    public async ValueTask AppendAsync(ReadOnlyMemory<byte> octets)
    {
        ReceivedBytes += octets.Length;
        scan.Scan(octets.Span);
        Judge();
        if (IsLost) return;
        try
        {
            if (header is null) await spool.WriteAsync(octets, CancellationToken.None);
            else await TakeHeaderAsync(octets);
        }
        catch (Exception e)
        {
            // Not swallowed: thrown again by CompleteAsync when the text has been read to its end.
            fault = ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>Ends the message: its content, or null when <see cref="Refusal"/> says why not. Throws what went wrong on the way.</summary>
    public async Task<MailContent?> CompleteAsync()
    {
        scan.Complete();
        Judge();
        fault?.Throw();
        if (Refusal is not null) return null;
        if (header is not null) await WriteHeaderAsync();
        return Refusal is null ? await spool.CompleteAsync(CancellationToken.None) : null;
    }

    public void Dispose() => spool.Dispose();

    // The first refusal stays: what comes after it was not looked at in full.
    private void Judge() =>
        Refusal ??= ReceivedBytes > options.MaxMessageSizeBytes ? SmtpReply.MessageTooLarge
            : scan.HeaderBytes > options.MaxHeaderBytes ? SmtpReply.HeaderTooLarge
            : scan.HasBareBreak ? SmtpReply.BareBreak
            : scan.LongestLine > options.MaxTextLineOctets ? SmtpReply.LineTooLongInText
            : null;

    private async ValueTask TakeHeaderAsync(ReadOnlyMemory<byte> octets)
    {
        header!.Write(octets.Span);
        if (scan.IsHeaderComplete) await WriteHeaderAsync();
    }

    // Header and what came with it in the same block; the repair finds where the one ends.
    private async ValueTask WriteHeaderAsync()
    {
        var before = header!.WrittenMemory;
        header = null;
        var repaired = repair!.Apply(before, (int)Math.Min(scan.HeaderBytes, before.Length));
        repair = null;
        if (repaired.Header.Length > options.MaxHeaderBytes)   // what is added counts too: beyond the limit nobody reads the header to its end
        {
            repairedHeaderBytes = repaired.Header.Length;
            Refusal = SmtpReply.HeaderTooLarge;
            return;
        }

        await spool.WriteAsync(repaired.Header, CancellationToken.None);
        await spool.WriteAsync(before[repaired.BodyStart..], CancellationToken.None);
    }
}
