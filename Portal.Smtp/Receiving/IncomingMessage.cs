using System.Buffers;
using System.Runtime.ExceptionServices;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Authentication;
using Portal.Smtp.Protocol;
using Portal.Smtp.Signatures;
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
    private readonly HeaderRepair? repair;
    private readonly bool isSigned;
    private ArrayBufferWriter<byte>? header = new(2048);
    private ExceptionDispatchInfo? fault;
    private long repairedHeaderBytes;

    /// <param name="spool">Where the content goes; owned from here on.</param>
    /// <param name="options">Limits.</param>
    /// <param name="repair">Mends the header of a submitted message; null leaves every octet alone but what claims to be ours.</param>
    /// <param name="isSigned">Whether we may sign or seal it, and need the hash of its body.</param>
    public IncomingMessage(ContentSpool spool, SmtpOptions options, HeaderRepair? repair, bool isSigned = false) =>
        (this.spool, this.options, this.repair, this.isSigned) = (spool, options, repair, isSigned);

    /// <summary>As signatures see it; null before the header is complete.</summary>
    public SignedMessage? Signed { get; private set; }

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
            if (header is null) await TakeBodyAsync(octets);
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
        Signed?.Body.Complete();
        return Refusal is null ? await spool.CompleteAsync(CancellationToken.None) : null;
    }

    public void Dispose()
    {
        spool.Dispose();
        Signed?.Dispose();
    }

    // The first refusal stays: what comes after it was not looked at in full.
    private void Judge() =>
        Refusal ??= ReceivedBytes > options.MaxMessageSizeBytes ? SmtpReply.MessageTooLarge
            : scan.HeaderBytes > options.MaxHeaderBytes ? SmtpReply.HeaderTooLarge
            : scan.HasBareBreak ? SmtpReply.BareBreak
            : scan.LongestLine > options.MaxTextLineOctets ? SmtpReply.LineTooLongInText
            : null;

    private async ValueTask TakeHeaderAsync(ReadOnlyMemory<byte> octets)
    {
        var rest = scan.IsHeaderComplete ? (int)(scan.HeaderBytes - header!.WrittenCount) : octets.Length;
        header!.Write(octets.Span[..rest]);
        if (!scan.IsHeaderComplete) return;
        await WriteHeaderAsync();
        if (!IsLost) await TakeBodyAsync(octets[rest..]);
    }

    // The header is kept: signatures are over its octets, and the caller's are gone when this returns.
    private async ValueTask WriteHeaderAsync()
    {
        var before = header!.WrittenMemory;
        header = null;
        var repaired = repair?.Apply(before, before.Length) ?? new RepairedHeader(before, before.Length);
        var clean = AuthenticationResults.WithoutForged(repaired.Header, options.HostName);
        if (clean.Length > options.MaxHeaderBytes)   // what is added counts too: beyond the limit nobody reads the header to its end
        {
            repairedHeaderBytes = clean.Length;
            Refusal = SmtpReply.HeaderTooLarge;
            return;
        }

        // What others signed is what came in; what we sign is what goes out.
        var fields = HeaderFields.Parse(repair is null ? repaired.Header : clean);
        Signed = new SignedMessage(fields, BodyDigests.Of(fields, isSigned));
        await spool.WriteAsync(clean, CancellationToken.None);
        await TakeBodyAsync(before[repaired.BodyStart..]);
    }

    private ValueTask TakeBodyAsync(ReadOnlyMemory<byte> octets)
    {
        Signed!.Body.Append(octets.Span);
        return spool.WriteAsync(octets, CancellationToken.None);
    }
}
