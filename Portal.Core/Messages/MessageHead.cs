using System.Text;
using MimeKit;
using MimeKit.Utils;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>What lists and rules need of a header, read leniently in one pass; nothing here fails on bad input.</summary>
public sealed record MessageHead
{
    private const int MaxFieldOctets = 16 * 1024;   // a longer one is not decoded for lists; its bytes stay as they are

    private const int MaxFromFields = 10;   // one is right (RFC 5322 §3.6); more are somebody's trick
    private const int MaxFromAddresses = 50;

    private const int MaxDeliveredTo = 100;   // more rounds than this are ended by the count of Received
    private const int MaxDeliveredToOctets = 1000;   // an address has 320; a longer field is none of ours

    // Two dots in a local part are no address, and stand in honest mail all the same.
    private static readonly ParserOptions Lenient = new() { AddressParserComplianceMode = RfcComplianceMode.Looser };

    // The charsets of old mail; MimeKit asks .NET for them.
    static MessageHead() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>Octets of the header with the empty line that ends it; all of it when there is none.</summary>
    public int HeaderBytes { get; private init; }

    /// <summary>False when no empty line was found in what was read.</summary>
    public bool IsComplete { get; private init; }

    /// <summary>Received fields: the hop count (RFC 5321 §6.3).</summary>
    public int ReceivedCount { get; private init; }

    /// <summary>Values of Delivered-To, newest first and <see cref="MaxDeliveredTo"/> at most.</summary>
    public IReadOnlyList<string> DeliveredTo { get; private init; } = [];

    /// <summary>Message-ID without angle brackets; null when absent.</summary>
    public string? MessageId { get; private init; }

    public string? InReplyTo { get; private init; }

    /// <summary>From, decoded; null when absent.</summary>
    public string? From { get; private init; }

    /// <summary>The addresses of every From field, <see cref="MaxFromAddresses"/> at most; empty when absent or unreadable.</summary>
    public IReadOnlyList<string> FromAddresses { get; private init; } = [];

    /// <summary>Whether there is more of From than is read here, or it can't be read: what its bytes say to others is unknown then.</summary>
    public bool IsFromCut { get; private init; }

    /// <summary>How many From fields there are; more than one is malformed (RFC 5322 §3.6).</summary>
    public int FromCount { get; private init; }

    public string? To { get; private init; }

    public string? Subject { get; private init; }

    /// <summary>Null when absent or unreadable.</summary>
    public DateTimeOffset? Date { get; private init; }

    /// <summary>Whether the header has octets beyond ASCII (RFC 6532).</summary>
    public bool HasUtf8 { get; private init; }

    /// <summary>Reads the header at the start of <paramref name="octets"/>.</summary>
    public static MessageHead Parse(ReadOnlySpan<byte> octets)
    {
        string? messageId = null, inReplyTo = null, from = null, to = null, subject = null, date = null;
        List<string>? deliveredTo = null, moreFrom = null;
        var (position, received, fromCount, isFromCut, complete) = (0, 0, 0, false, false);
        while (position < octets.Length)
        {
            var field = NextField(octets[position..], out var isEnd);
            if (isEnd)
            {
                position += field;
                complete = true;
                break;
            }

            var text = octets.Slice(position, field);
            position += field;
            var colon = text.IndexOf((byte)':');
            if (colon <= 0) continue;
            var name = text[..colon].TrimEnd(" \t"u8);
            var value = text[(colon + 1)..];
            switch (name.Length)
            {
                case 2 when Is(name, "to"u8): to ??= Unfold(value); break;
                case 4 when Is(name, "from"u8):
                    fromCount++;
                    isFromCut |= value.Length > MaxFieldOctets || fromCount > MaxFromFields || value.Contains((byte)0);   // what stands behind a NUL, some programs do not show
                    if (from is null) from = Unfold(value);
                    else if (fromCount <= MaxFromFields) (moreFrom ??= []).Add(Unfold(value));
                    break;
                case 4 when Is(name, "date"u8): date ??= Unfold(value); break;
                case 7 when Is(name, "subject"u8): subject ??= Unfold(value); break;
                case 8 when Is(name, "received"u8): received++; break;
                case 10 when Is(name, "message-id"u8): messageId ??= Unfold(value); break;
                case 11 when Is(name, "in-reply-to"u8): inReplyTo ??= Unfold(value); break;
                case 12 when Is(name, "delivered-to"u8) && value.Length <= MaxDeliveredToOctets && (deliveredTo?.Count ?? 0) < MaxDeliveredTo: (deliveredTo ??= []).Add(Unfold(value)); break;
            }
        }

        var fromList = ReadFrom(from, ref isFromCut);
        var addresses = Addresses(fromList).ToList();
        foreach (var more in moreFrom ?? []) addresses.AddRange(Addresses(ReadFrom(more, ref isFromCut)).Take(MaxFromAddresses + 1));
        return new MessageHead
        {
            HeaderBytes = position,
            IsComplete = complete,
            ReceivedCount = received,
            DeliveredTo = deliveredTo ?? [],
            FromCount = fromCount,
            IsFromCut = isFromCut || addresses.Count > MaxFromAddresses,
            MessageId = Bare(messageId),
            InReplyTo = Bare(inReplyTo),
            From = StorableText.Cut(fromList?.ToString() is { Length: > 0 } shown ? shown : Decode(from), 1000),
            FromAddresses = [.. addresses.Take(MaxFromAddresses + 1)],
            To = StorableText.Cut(Decode(to), 2000),
            Subject = StorableText.Cut(Decode(subject), 1000),
            Date = date is not null && DateUtils.TryParse(date, out var at) ? at.ToUniversalTime() : null,
            HasUtf8 = !Ascii.IsValid(octets[..position]),
        };
    }

    /// <summary>Length of the field at the start with its folded lines; <paramref name="isEnd"/> when an empty line stands there.</summary>
    private static int NextField(ReadOnlySpan<byte> octets, out bool isEnd)
    {
        isEnd = octets.StartsWith("\r\n"u8) || octets[0] == (byte)'\n';
        if (isEnd) return octets[0] == (byte)'\r' ? 2 : 1;
        return HeaderLines.FieldLength(octets);
    }

    /// <summary>Reads a From field; one that can't be read to its end counts as cut.</summary>
    private static InternetAddressList? ReadFrom(string? field, ref bool isCut)
    {
        if (field is null) return null;
        if (InternetAddressList.TryParse(Lenient, field, out var read)) return read;
        isCut |= field.Length > 0;
        return null;
    }

    private static IEnumerable<string> Addresses(InternetAddressList? list) => list?.Mailboxes.Select(m => m.Address) ?? [];

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower) => Ascii.EqualsIgnoreCase(name, lower);

    private static string Unfold(ReadOnlySpan<byte> value)
    {
        var text = Encoding.UTF8.GetString(value[..Math.Min(value.Length, MaxFieldOctets)]);
        return text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal).Replace("\0", "", StringComparison.Ordinal).Trim();
    }

    private static string? Decode(string? text) =>
        text is null || !text.Contains("=?", StringComparison.Ordinal) ? text : Rfc2047.DecodeText(Encoding.UTF8.GetBytes(text));

    private static string? Bare(string? id)
    {
        if (id is null) return null;
        var (open, close) = (id.IndexOf('<', StringComparison.Ordinal), id.IndexOf('>', StringComparison.Ordinal));
        return StorableText.Cut(open >= 0 && close > open ? id[(open + 1)..close] : id.Trim(), 1000);
    }
}
