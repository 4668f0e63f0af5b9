using System.Text;

namespace Portal.Core.Queue;

/// <summary>Words of a peer, or ours, as both databases can store them: PostgreSQL refuses a row with a NUL or half a surrogate pair.</summary>
public static class ReplyText
{
    /// <summary>At most <paramref name="length"/> characters, never the half of one; what can't be stored becomes U+FFFD.</summary>
    public static string? Cut(string? text, int length)
    {
        if (text is null) return null;
        if (text.Length > length) text = text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\uFFFD');
    }
}
