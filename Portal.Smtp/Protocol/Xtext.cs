using System.Globalization;
using System.Text;

namespace Portal.Smtp.Protocol;

/// <summary>The encoding of ENVID, ORCPT and AUTH values: <c>+XX</c> stands for an octet (RFC 3461 §4).</summary>
internal static class Xtext
{
    /// <summary>Decodes; null when it is malformed.</summary>
    public static string? Decode(ReadOnlySpan<char> text)
    {
        if (!text.Contains('+')) return text.ToString();
        var octets = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '+') octets.AddRange(Encoding.UTF8.GetBytes([text[i]]));
            else if (i + 2 < text.Length && byte.TryParse(text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
            {
                octets.Add(octet);
                i += 2;
            }
            else return null;
        }

        var decoded = Encoding.UTF8.GetString([.. octets]);
        // A decoded line break or control would be a header injection in the DSN that carries it back.
        return decoded.Any(char.IsControl) || decoded.Contains('\ufffd', StringComparison.Ordinal) ? null : decoded;
    }
}
