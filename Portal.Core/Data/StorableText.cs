using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Portal.Core.Data;

/// <summary>Words from outside as both databases can store them: PostgreSQL refuses a row with a NUL or half a surrogate pair.</summary>
public static class StorableText
{
    /// <summary>At most <paramref name="length"/> characters, a column's; never the half of one. What can't be stored becomes U+FFFD.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Cut(string? text, int length)
    {
        if (text is null) return null;
        if (text.Length > length) text = text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
        text = text.Replace('\0', '\uFFFD');   // the same string when there is none
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1])) i++;
            else return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        }

        return text;
    }
}
