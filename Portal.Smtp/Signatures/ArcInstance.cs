using System.Globalization;

namespace Portal.Smtp.Signatures;

/// <summary>The number of an ARC set, 1 to 50 (RFC 8617 §4.2.1).</summary>
internal static class ArcInstance
{
    /// <summary>Reads "i="; 0 when it is none.</summary>
    public static int Read(ReadOnlySpan<char> text) =>
        text.Length is 1 or 2 && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ArcChain.MaxSets ? number : 0;
}
