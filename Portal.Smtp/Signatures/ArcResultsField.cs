using System.Text;

namespace Portal.Smtp.Signatures;

/// <summary>An ARC-Authentication-Results field: "i=1;" and then what an Authentication-Results field holds (RFC 8617 §4.1.1).</summary>
internal static class ArcResultsField
{
    private const int MaxText = 8 * 1024;

    /// <summary>Instance, 0 when unreadable, and the text after it, unfolded and cut at 8 K.</summary>
    public static (int Instance, string Text) Read(HeaderField field)
    {
        var value = field.Value;
        var text = Encoding.UTF8.GetString(value[..Math.Min(value.Length, MaxText)]).Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        var end = text.IndexOf(';', StringComparison.Ordinal);
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (end < 0 || equals < 0 || equals > end || !text.AsSpan(0, equals).Trim().SequenceEqual("i")) return (0, "");
        return (ArcInstance.Read(text.AsSpan((equals + 1)..end).Trim()), text[(end + 1)..].Trim());
    }

    /// <summary>Composes the field, folded where it has a semicolon, with its line end.</summary>
    public static byte[] Compose(int instance, string authenticationResults)
    {
        var lines = authenticationResults.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(l => string.Join(' ', l.Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries)));
        return Encoding.UTF8.GetBytes($"{ArcChain.Results}: i={instance}; {string.Join(";\r\n\t", lines)}\r\n");
    }
}
