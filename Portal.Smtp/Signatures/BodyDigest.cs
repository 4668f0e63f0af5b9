namespace Portal.Smtp.Signatures;

/// <summary>
/// SHA-256 of a body in one canonical form (RFC 6376 §3.4.3 simple, §3.4.4 relaxed), as it flows by in any pieces. What
/// signatures with "l=" cover is taken from the same pass, so any number of them costs one.
/// </summary>
internal sealed class BodyDigest(bool isRelaxed) : IDisposable
{
    private readonly HashWriter output = new();
    private readonly SortedList<long, byte[]?> cuts = [];
    private int nextCut;
    private bool afterCr;
    private bool afterSpace;
    private bool hasContent;
    private long breaks;   // line ends not yet given out: at the end of the body they are left away

    /// <summary>Octets of the canonical body so far.</summary>
    public long Length { get; private set; }

    /// <summary>Hash of the whole body; null before <see cref="Complete"/>.</summary>
    public byte[]? Whole { get; private set; }

    /// <summary>Asks for the hash of the first octets too; before the first <see cref="Append"/>.</summary>
    public void Want(long length) => cuts.TryAdd(length, null);

    /// <summary>Hash of the first octets; null when the body is shorter or nobody asked for it.</summary>
    public byte[]? At(long length) => cuts.GetValueOrDefault(length);

    public void Append(ReadOnlySpan<byte> octets)
    {
        while (octets.Length > 0)
        {
            if (afterCr)
            {
                afterCr = false;
                if (octets[0] == '\n')
                {
                    breaks++;
                    afterSpace = false;   // §3.4.4: white space at the end of a line goes
                    octets = octets[1..];
                    continue;
                }

                Content("\r"u8);
            }

            var next = isRelaxed ? RelaxedRun(octets) : octets.IndexOf((byte)'\r');
            if (next < 0)
            {
                Content(octets);
                return;
            }

            if (next > 0) Content(octets[..next]);
            if (octets[next] == '\r') afterCr = true;
            else afterSpace = true;
            octets = octets[(next + 1)..];
        }
    }

    /// <summary>Says that the body has ended.</summary>
    public void Complete()
    {
        if (Whole is not null) return;
        if (afterCr) Content("\r"u8);
        // §3.4.3: an empty body is one CRLF; §3.4.4: it is nothing. All other bodies end in one.
        if (hasContent || !isRelaxed) Emit("\r\n"u8);
        Emit([]);   // for "l=0" of an empty body
        Whole = output.Current();
        output.Dispose();
    }

    public void Dispose() => output.Dispose();

    // How far the text is the same in both forms; -1 for all. A lone space between words stays, so most lines are one run.
    private static int RelaxedRun(ReadOnlySpan<byte> octets)
    {
        for (var at = 0; ; at++)
        {
            var next = octets[at..].IndexOfAny((byte)'\r', (byte)' ', (byte)'\t');
            if (next < 0) return -1;
            at += next;
            if (at == 0 || octets[at] != ' ' || at + 1 == octets.Length || octets[at + 1] is (byte)' ' or (byte)'\t' or (byte)'\r') return at;
        }
    }

    private void Content(ReadOnlySpan<byte> octets)
    {
        for (; breaks > 0; breaks--) Emit("\r\n"u8);
        if (afterSpace) Emit(" "u8);
        afterSpace = false;
        hasContent = true;
        Emit(octets);
    }

    private void Emit(ReadOnlySpan<byte> octets)
    {
        while (nextCut < cuts.Count && cuts.GetKeyAtIndex(nextCut) - Length <= octets.Length)
        {
            var part = octets[..(int)(cuts.GetKeyAtIndex(nextCut) - Length)];
            output.Write(part);
            cuts.SetValueAtIndex(nextCut++, output.Current());
            Length += part.Length;
            octets = octets[part.Length..];
        }

        output.Write(octets);
        Length += octets.Length;
    }
}
