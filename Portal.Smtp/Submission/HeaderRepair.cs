using System.Buffers;
using System.Globalization;
using System.Text;
using Portal.Core.Messages;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Submission;

/// <summary>A mended header and where in the original octets the body begins.</summary>
internal readonly record struct RepairedHeader(ReadOnlyMemory<byte> Header, int BodyStart);

/// <summary>
/// What a submission server does to a header before the message is signed, stored or sent (RFC 6409 §8): adds Date and
/// Message-ID where they miss, and From from the envelope; takes Bcc away (RFC 5322 §3.6.3). All other octets stay as they are.
/// </summary>
/// <param name="from">Address for a From that misses.</param>
/// <param name="messageId">Message-ID, without angle brackets, for one that misses.</param>
/// <param name="now">Date for one that misses, with the sender's offset.</param>
internal sealed class HeaderRepair(string from, string messageId, DateTimeOffset now)
{
    /// <summary>Mends the header in the first <paramref name="headerBytes"/> of <paramref name="octets"/> (its empty line included, where there is one).</summary>
    public RepairedHeader Apply(ReadOnlyMemory<byte> octets, int headerBytes)
    {
        var fields = octets.Span[..headerBytes];
        // Text without a header: a first line that can't be a field begins the body (as mbox and "sendmail -t" input does).
        if (!StartsWithField(fields) && !fields.StartsWith("\r\n"u8)) headerBytes = 0;
        fields = fields[..headerBytes];

        var kept = new ArrayBufferWriter<byte>(fields.Length + 256);
        var (hasDate, hasMessageId, hasFrom, hasEnd) = (false, false, false, false);
        for (var at = 0; at < fields.Length;)
        {
            var field = fields.Slice(at, HeaderLines.FieldLength(fields[at..]));
            at += field.Length;
            hasEnd |= field.SequenceEqual("\r\n"u8);
            hasDate |= IsNamed(field, "date"u8);
            hasMessageId |= IsNamed(field, "message-id"u8);
            hasFrom |= IsNamed(field, "from"u8);
            if (!IsNamed(field, "bcc"u8) && !IsNamed(field, "resent-bcc"u8)) kept.Write(field);
        }

        var mended = new ArrayBufferWriter<byte>(kept.WrittenCount + 256);
        if (!hasDate) Add(mended, "Date", Rfc5322Date.Format(now));
        if (!hasFrom) Add(mended, "From", $"<{from}>");
        if (!hasMessageId) Add(mended, "Message-ID", $"<{messageId}>");
        mended.Write(kept.WrittenSpan);
        if (!hasEnd) mended.Write(EndsLine(mended.WrittenSpan) ? "\r\n"u8 : "\r\n\r\n"u8);   // RFC 5322 §2.1: an empty line parts header and body
        return new RepairedHeader(mended.WrittenMemory, headerBytes);
    }

    private static void Add(ArrayBufferWriter<byte> output, string name, string value) =>
        output.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{name}: {value}\r\n")));

    private static bool EndsLine(ReadOnlySpan<byte> text) => text.Length == 0 || text.EndsWith("\r\n"u8);

    // RFC 5322 §2.2: printable ASCII without space and colon, then a colon; §4.5 lets white space stand before it.
    private static bool StartsWithField(ReadOnlySpan<byte> text)
    {
        var name = 0;
        while (name < text.Length && text[name] is > (byte)' ' and < 127 and not (byte)':') name++;
        var colon = name;
        while (colon < text.Length && text[colon] is (byte)' ' or (byte)'\t') colon++;
        return name > 0 && colon < text.Length && text[colon] == ':';
    }

    private static bool IsNamed(ReadOnlySpan<byte> field, ReadOnlySpan<byte> lower)
    {
        var colon = field.IndexOf((byte)':');
        return colon > 0 && Ascii.EqualsIgnoreCase(field[..colon].TrimEnd(" \t"u8), lower);
    }
}
