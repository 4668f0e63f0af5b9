using System.Globalization;

namespace Portal.Smtp.Protocol;

/// <summary>What stands after BDAT: octets of the chunk and whether it is the last (RFC 3030 §2).</summary>
internal readonly record struct BdatArgument(long Octets, bool IsLast)
{
    public static bool TryParse(ReadOnlySpan<char> argument, out BdatArgument bdat)
    {
        var text = argument.Trim(' ');
        var space = text.IndexOf(' ');
        var size = space < 0 ? text : text[..space];
        var last = space < 0 ? [] : text[space..].TrimStart(' ');
        var isLast = last.Equals("LAST", StringComparison.OrdinalIgnoreCase);
        var isValid = long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var octets) && (isLast || last.Length == 0);
        bdat = new BdatArgument(octets, isLast);
        return isValid;
    }
}
