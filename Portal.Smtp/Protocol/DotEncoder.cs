namespace Portal.Smtp.Protocol;

/// <summary>Puts transparency on a message for DATA, in any pieces (RFC 5321 §4.5.2): a dot at the start of a line becomes two, nothing else changes.</summary>
internal sealed class DotEncoder
{
    private Place place = Place.LineStart;

    private enum Place
    {
        LineStart,
        Text,
        Cr,
    }

    /// <summary>Room that <see cref="Encode"/> may need for so many octets.</summary>
    public static int MaxEncoded(int octets) => octets + (octets / 3) + 1;   // a dotted line has at least three octets: "." CRLF

    /// <summary>Encodes a piece.</summary>
    /// <returns>Octets written to <paramref name="encoded"/>, which has room for <see cref="MaxEncoded"/>.</returns>
    public int Encode(ReadOnlySpan<byte> content, Span<byte> encoded)
    {
        var written = 0;
        foreach (var octet in content)
        {
            if (octet == '.' && place == Place.LineStart) encoded[written++] = (byte)'.';
            encoded[written++] = octet;
            // Only CRLF ends a line (RFC 5321 §2.3.8).
            place = octet switch
            {
                (byte)'\r' => Place.Cr,
                (byte)'\n' when place == Place.Cr => Place.LineStart,
                _ => Place.Text,
            };
        }

        return written;
    }

    /// <summary>What ends the message; a last line without CRLF gets one, since the dot must stand on a line of its own (RFC 5321 §4.1.1.4).</summary>
    public ReadOnlySpan<byte> End() => place == Place.LineStart ? ".\r\n"u8 : "\r\n.\r\n"u8;
}
