using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using MimeKit.Text;

namespace Portal.Core.Messages;

/// <summary>Text out of parts: charsets as declared, or as they turn out to be; always bounded.</summary>
internal static partial class MailText
{
    /// <summary>Octets of a message's texts together that are shown; the rest is in the source.</summary>
    public const int MaxOctets = 2 * 1024 * 1024;

    private const int PreviewLength = 200;
    private const int MaxFileName = 120;
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    static MailText() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>Decodes a text part as far as there is room, which becomes less; <paramref name="isCut"/> when it is longer.</summary>
    public static string Of(TextPart part, ref int room, out bool isCut)
    {
        isCut = false;
        if (part.Content is not { Stream: { } encoded }) return "";

        // Encoded text is never shorter than what it says: ten thousand tiny parts cost ten thousand tiny buffers.
        using var content = part.Content.Open();
        var size = (int)Math.Min(room, encoded.Length);
        var octets = ArrayPool<byte>.Shared.Rent(size);
        string text;
        try
        {
            var length = content.ReadAtLeast(octets.AsSpan(0, size), size, throwOnEndOfStream: false);
            isCut = length == room && content.ReadByte() >= 0;
            room -= length;
            text = Decode(octets.AsSpan(0, length), part.ContentType.Charset, part.IsHtml, isCut);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(octets);
        }

        if (part is { IsPlain: true, IsFlowed: true })   // RFC 3676
            text = new FlowedToText { DeleteSpace = string.Equals(part.ContentType.Parameters["delsp"], "yes", StringComparison.OrdinalIgnoreCase) }.Convert(text);
        return text.Replace("\0", "", StringComparison.Ordinal);
    }

    /// <summary>The start of the text on one line; null when there is nothing to read.</summary>
    public static string? Preview(string? text, string? html)
    {
        var words = string.IsNullOrWhiteSpace(text) ? html is null ? "" : FromHtml(html) : text;
        var preview = new StringBuilder(PreviewLength);
        var isGap = false;
        foreach (var rune in words.EnumerateRunes())
        {
            // Newsletters pad their first line with characters nobody sees.
            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format || rune.Value == 0x34F) continue;
            if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune))
            {
                isGap = preview.Length > 0;
                continue;
            }

            if (preview.Length + 3 > PreviewLength) break;
            if (isGap) preview.Append(' ');
            isGap = false;
            preview.Append(rune.ToString());
        }

        return preview.Length == 0 ? null : preview.ToString();
    }

    /// <summary>What a reader sees of HTML, without building a tree; for previews and quotations.</summary>
    public static string FromHtml(string html)
    {
        var text = new StringBuilder();
        var tokens = new HtmlTokenizer(new StringReader(html)) { DecodeCharacterReferences = true };
        HtmlTagId? hidden = null;
        while (tokens.ReadNextToken(out var token))
        {
            switch (token)
            {
                case HtmlTagToken { Id: HtmlTagId.Style or HtmlTagId.Script or HtmlTagId.Title } tag when !tag.IsEmptyElement:
                    hidden = tag.IsEndTag ? null : tag.Id;
                    break;
                case HtmlTagToken { Id: HtmlTagId.Br or HtmlTagId.P or HtmlTagId.Div or HtmlTagId.TR or HtmlTagId.LI or HtmlTagId.H1 or HtmlTagId.H2 or HtmlTagId.H3 or HtmlTagId.BlockQuote } tag
                    when tag.Id == HtmlTagId.Br || tag.IsEndTag:
                    text.Append('\n');
                    break;
                case HtmlTagToken { Id: HtmlTagId.TD } tag when tag.IsEndTag:
                    text.Append(' ');
                    break;
                case HtmlDataToken data when hidden is null:
                    text.Append(Spaces().Replace(data.Data, " "));
                    break;
            }
        }

        return BlankLines().Replace(text.ToString(), "\n\n").Trim();
    }

    /// <summary>A file name as it may be shown and offered: no path, no control or direction characters, not endless.</summary>
    public static string FileName(string? given, ContentType type, int number)
    {
        var name = new StringBuilder();
        foreach (var c in given?[(given.LastIndexOfAny(['/', '\\']) + 1)..] ?? "")
        {
            // Format characters turn "exe.gpj" around; the rest can't stand in a file name somewhere.
            if (char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator || c is '"' or '<' or '>' or '|' or ':' or '*' or '?') continue;
            name.Append(c);
        }

        var clean = name.ToString().Trim().TrimStart('.').TrimEnd('.', ' ');
        if (clean.Length == 0) return FormattableString.Invariant($"part-{number}{(type.IsMimeType("message", "rfc822") ? ".eml" : ".bin")}");
        if (clean.Length <= MaxFileName) return WellFormed(clean);

        var extension = Path.GetExtension(clean) is { Length: <= 10 } short_ ? short_ : "";
        return WellFormed(clean[..(MaxFileName - extension.Length)]) + extension;
    }

    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static string Decode(ReadOnlySpan<byte> octets, string? charset, bool isHtml, bool isCut)
    {
        if (Find(charset) is { } declared) return declared.GetString(octets);
        if (isHtml && MetaCharset().Match(Encoding.Latin1.GetString(octets[..Math.Min(octets.Length, 2048)])) is { Success: true } meta && Find(meta.Groups[1].Value) is { } said)
            return said.GetString(octets);

        // A cut may go through the middle of a character.
        if (isCut) octets = octets[..(octets.LastIndexOf((byte)'\n') + 1)];
        try
        {
            return StrictUtf8.GetString(octets);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.GetEncoding(1252).GetString(octets);
        }
    }

    private static Encoding? Find(string? charset)
    {
        // "us-ascii" with octets beyond it is a lie that UTF-8 usually explains; GB 18030 contains what calls itself gb2312.
        if (string.IsNullOrWhiteSpace(charset) || charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase)) return null;
        if (charset.Equals("gb2312", StringComparison.OrdinalIgnoreCase) || charset.Equals("gbk", StringComparison.OrdinalIgnoreCase)) charset = "gb18030";
        if (charset.Equals("iso-8859-1", StringComparison.OrdinalIgnoreCase)) charset = "windows-1252";   // WHATWG Encoding §4.2
        try
        {
            return Encoding.GetEncoding(charset) is { CodePage: not 65000 } found ? found : null;   // UTF-7 hides markup
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)   // no such charset
        {
            return null;
        }
    }

    [GeneratedRegex("""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_-]{1,40})""", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex MetaCharset();

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"(?:[ \t]*\n){3,}", RegexOptions.NonBacktracking)]
    private static partial Regex BlankLines();
}
