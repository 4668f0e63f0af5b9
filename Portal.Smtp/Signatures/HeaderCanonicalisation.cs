namespace Portal.Smtp.Signatures;

/// <summary>Header fields in the form that is hashed (RFC 6376 §3.4.1 simple, §3.4.2 relaxed).</summary>
internal static class HeaderCanonicalisation
{
    /// <summary>Writes a field with its line end.</summary>
    public static void Write(HashWriter output, HeaderField field, bool isRelaxed)
    {
        if (isRelaxed)
        {
            WriteName(output, field);
            var value = new RelaxedValue(output);
            value.Append(field.Value);
        }
        else
        {
            output.Write(field.Octets.Span[..(field.Colon + 1)]);
            output.Write(field.Value);
        }

        output.Write("\r\n"u8);
    }

    /// <summary>Writes the signature's own field: with an empty "b=" and without the line end (RFC 6376 §3.7).</summary>
    public static void WriteUnsigned(HashWriter output, HeaderField field, bool isRelaxed)
    {
        var (before, after) = AroundSignature(field.Value);
        if (isRelaxed)
        {
            WriteName(output, field);
            var value = new RelaxedValue(output);
            value.Append(field.Value[..before]);
            value.Append(field.Value[after..]);
            return;
        }

        output.Write(field.Octets.Span[..(field.Colon + 1)]);
        output.Write(field.Value[..before]);
        output.Write(field.Value[after..]);
    }

    private static void WriteName(HashWriter output, HeaderField field)
    {
        Span<byte> lower = stackalloc byte[64];
        var name = field.Name;
        while (name.Length > 0)
        {
            var part = name[..Math.Min(name.Length, lower.Length)];
            for (var i = 0; i < part.Length; i++) lower[i] = part[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(part[i] | 0x20) : part[i];
            output.Write(lower[..part.Length]);
            name = name[part.Length..];
        }

        output.Write(":"u8);
    }

    // Where the value of "b=" begins and ends, all white space around it included (RFC 6376 §3.7).
    private static (int Before, int After) AroundSignature(ReadOnlySpan<byte> value)
    {
        for (var start = 0; start < value.Length;)
        {
            var end = value[start..].IndexOf((byte)';');
            end = end < 0 ? value.Length : start + end;
            var equals = value[start..end].IndexOf((byte)'=');
            if (equals >= 0 && value.Slice(start, equals).Trim(" \t\r\n"u8).SequenceEqual("b"u8)) return (start + equals + 1, end);
            start = end + 1;
        }

        return (value.Length, value.Length);
    }

    /// <summary>Unfolds, makes one space of each run of white space, and takes it away at both ends.</summary>
    private ref struct RelaxedValue(HashWriter output)
    {
        private bool isStarted;
        private bool isSpace;

        public void Append(ReadOnlySpan<byte> value)
        {
            while (value.Length > 0)
            {
                var next = value.IndexOfAny((byte)' ', (byte)'\t', (byte)'\r');
                if (next < 0) next = value.Length;
                if (next > 0) Content(value[..next]);
                value = value[next..];
                if (value.Length == 0) return;

                if (value.StartsWith("\r\n"u8))
                {
                    value = value[2..];
                    continue;
                }

                if (value[0] == '\r') Content(value[..1]);
                else isSpace = true;
                value = value[1..];
            }
        }

        private void Content(ReadOnlySpan<byte> octets)
        {
            if (isSpace && isStarted) output.Write(" "u8);
            (isSpace, isStarted) = (false, true);
            output.Write(octets);
        }
    }
}
