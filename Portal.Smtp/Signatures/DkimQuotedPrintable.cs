using System.Buffers;
using System.Globalization;
using System.Text;

namespace Portal.Smtp.Signatures;

/// <summary>The encoding of "i=": <c>=XX</c> stands for an octet, white space for nothing (RFC 6376 §2.11).</summary>
internal static class DkimQuotedPrintable
{
    /// <summary>Decodes; null when malformed, longer than so many characters, or with controls in it.</summary>
    public static string? Decode(ReadOnlySpan<char> text, int maxLength)
    {
        if (text.Length > maxLength * 3) return null;
        var octets = new ArrayBufferWriter<byte>(text.Length + 1);
        Span<byte> one = stackalloc byte[4];
        while (Rune.DecodeFromUtf16(text, out var rune, out var used) == OperationStatus.Done)
        {
            if (rune.Value == '=')
            {
                used = 3;
                if (text.Length < 3 || !byte.TryParse(text[1..3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out one[0])) return null;
                octets.Write(one[..1]);
            }
            else if (!Rune.IsWhiteSpace(rune))
            {
                octets.Write(one[..rune.EncodeToUtf8(one)]);
            }

            text = text[used..];
        }

        var decoded = Encoding.UTF8.GetString(octets.WrittenSpan);
        return text.Length == 0 && decoded.Length <= maxLength && !decoded.Any(char.IsControl) ? decoded : null;
    }
}
