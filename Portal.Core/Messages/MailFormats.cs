using MimeKit;

namespace Portal.Core.Messages;

/// <summary>How MimeKit writes a message that is made here: lines end in CRLF, the last one too.</summary>
public static class MailFormats
{
    private static readonly FormatOptions Dos = Make(isInternational: false);
    private static readonly FormatOptions International = Make(isInternational: true);

    /// <param name="isInternational">With UTF-8 in the header (RFC 6532).</param>
    public static FormatOptions For(bool isInternational) => isInternational ? International : Dos;

    private static FormatOptions Make(bool isInternational)
    {
        var format = FormatOptions.Default.Clone();
        (format.NewLineFormat, format.International, format.EnsureNewLine) = (NewLineFormat.Dos, isInternational, true);
        return format;
    }
}
