using System.Globalization;
using System.Text;

namespace Portal.Smtp.Protocol;

/// <summary>Writes xtext: octets outside "!" to "~", and "+" and "=", as <c>+XX</c> (RFC 3461 §4).</summary>
internal static class XtextWriter
{
    public static string Write(string text)
    {
        var written = new StringBuilder(text.Length);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            if (octet is >= (byte)'!' and <= (byte)'~' and not ((byte)'+' or (byte)'=')) written.Append((char)octet);
            else written.Append(CultureInfo.InvariantCulture, $"+{octet:X2}");
        }

        return written.ToString();
    }
}
