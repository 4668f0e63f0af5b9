namespace Portal.Smtp.Protocol;

/// <summary>
/// Takes the transparency off a message sent by DATA and finds its end (RFC 5321 §4.5.2). Only CRLF ends a line, only
/// CRLF "." CRLF ends the message (§2.3.8, §4.1.1.4); any other form of dot and break is content, and so smuggles nothing.
/// </summary>
public sealed class DotDecoder
{
    private static readonly byte[] LineEnd = "\r\n"u8.ToArray();
    private Place place = Place.LineStart;

    private enum Place
    {
        LineStart,
        Text,

        /// <summary>After a CR whose successor is not yet here; it has not been given out.</summary>
        Cr,

        /// <summary>After a dot at the start of a line.</summary>
        Dot,

        /// <summary>After a dot and a CR at the start of a line.</summary>
        DotCr,
    }

    /// <summary>Whether the final dot has been read; what follows it in the input is the next command.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Decodes the next piece. Call it until <see cref="IsComplete"/> or all input is used.</summary>
    /// <param name="input">Octets not used so far, at least one.</param>
    /// <param name="content">The piece of content, possibly empty; valid as long as <paramref name="input"/>.</param>
    /// <returns>Octets of input used; 0 only together with content.</returns>
    public int Decode(ReadOnlyMemory<byte> input, out ReadOnlyMemory<byte> content)
    {
        content = default;
        var first = input.Span[0];
        switch (place)
        {
            case Place.LineStart when first == '.':
                place = Place.Dot;
                return 1;
            case Place.Cr when first == '\n':
                place = Place.LineStart;
                content = LineEnd;
                return 1;
            case Place.Dot when first == '\r':
                place = Place.DotCr;
                return 1;
            case Place.DotCr when first == '\n':
                IsComplete = true;
                return 1;
            case Place.Cr or Place.DotCr:   // the CR was a bare one; a dot before it was transparency
                place = Place.Text;
                content = LineEnd.AsMemory(0, 1);
                return 0;
            default:
                return DecodeText(input, out content);
        }
    }

    private int DecodeText(ReadOnlyMemory<byte> input, out ReadOnlyMemory<byte> content)
    {
        var octets = input.Span;
        var at = 0;
        while (true)
        {
            var cr = octets[at..].IndexOf((byte)'\r');
            if (cr < 0)
            {
                place = Place.Text;
                content = input;
                return input.Length;
            }

            at += cr + 1;
            if (at == input.Length)
            {
                place = Place.Cr;
                content = input[..^1];
                return at;
            }

            if (octets[at] != '\n') continue;
            at++;
            if (at < input.Length && octets[at] != '.') continue;
            place = Place.LineStart;
            content = input[..at];
            return at;
        }
    }
}
