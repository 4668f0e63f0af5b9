using System.Globalization;

namespace Portal.Core;

/// <summary>Sizes as people read them: steps of 1,024, written KB, MB, GB (PORTAL §5).</summary>
public static class SizeText
{
    public static readonly IReadOnlyList<string> Units = ["B", "KB", "MB", "GB", "TB"];

    /// <summary>"0 B", "12.3 KB", "1.5 GB": at most three digits and one decimal.</summary>
    public static string Of(long bytes, CultureInfo culture)
    {
        var (value, unit) = ((double)bytes, 0);
        for (; Math.Abs(value) >= 999.5 && unit < Units.Count - 1; unit++) value /= 1024;
        return $"{value.ToString(unit == 0 || value >= 99.95 ? "0" : "0.#", culture)} {Units[unit]}";
    }
}
