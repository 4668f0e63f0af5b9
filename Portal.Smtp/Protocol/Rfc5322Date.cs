using System.Globalization;

namespace Portal.Smtp.Protocol;

/// <summary>Date and time as header fields write them (RFC 5322 §3.3).</summary>
public static class Rfc5322Date
{
    public static string Format(DateTimeOffset at)
    {
        var offset = at.Offset;
        var sign = offset < TimeSpan.Zero ? '-' : '+';
        return string.Create(CultureInfo.InvariantCulture, $"{at:ddd, dd MMM yyyy HH:mm:ss} {sign}{offset:hhmm}");
    }
}
