namespace Portal.Core.Messages;

/// <summary>Where a header's fields end; one reader for whoever looks at the octets.</summary>
public static class HeaderLines
{
    /// <summary>Octets of the field at the start with its folded lines (RFC 5322 §2.2.3) and its line end; all where it does not end.</summary>
    public static int FieldLength(ReadOnlySpan<byte> text)
    {
        var length = 0;
        do
        {
            var end = text[length..].IndexOf((byte)'\n');
            if (end < 0) return text.Length;
            length += end + 1;
        }
        while (length < text.Length && text[length] is (byte)' ' or (byte)'\t');
        return length;
    }
}
