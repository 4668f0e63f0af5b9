namespace Portal.Smtp.Signatures;

/// <summary>Base64 of "b=", "bh=" and "p=", its white space already taken out (RFC 6376 §2.10).</summary>
internal static class Base64Value
{
    /// <summary>Decodes; null when absent, malformed, empty or longer than so many octets.</summary>
    public static byte[]? Read(string? text, int maxOctets)
    {
        if (text is not { Length: > 0 } || text.Length / 4 * 3 > maxOctets + 3) return null;
        var octets = new byte[text.Length];
        return Convert.TryFromBase64String(text, octets, out var length) && length > 0 && length <= maxOctets ? octets[..length] : null;
    }
}
