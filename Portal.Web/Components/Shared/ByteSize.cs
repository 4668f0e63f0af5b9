using System.Globalization;
using Portal.Core;

namespace Portal.Web.Components.Shared;

/// <summary>Sizes of the pages: written in the language of whoever looks, and read back.</summary>
public static class ByteSize
{
    /// <summary>"0 B", "12.3 KB", "1.5 GB": at most three digits and one decimal.</summary>
    public static string Text(long bytes) => SizeText.Of(bytes, CultureInfo.CurrentCulture);

    /// <summary>"50 MB (52,428,801 B)": also by how little a limit was passed.</summary>
    public static string Exact(long bytes) => bytes < 1000 ? Text(bytes) : string.Create(CultureInfo.CurrentCulture, $"{Text(bytes)} ({bytes:N0} {SizeText.Units[0]})");

    /// <summary>Reads "500 MB", "1GB", "1.5 g"; a bare number means bytes.</summary>
    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        var trimmed = text?.Trim() ?? "";
        var digits = trimmed.TakeWhile(c => char.IsAsciiDigit(c) || c is '.' or ',').Count();
        if (!double.TryParse(trimmed[..digits].Replace(',', '.'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)) return false;

        var power = trimmed[digits..].Trim().ToUpperInvariant() switch { "" or "B" => 0, "K" or "KB" => 1, "M" or "MB" => 2, "G" or "GB" => 3, "T" or "TB" => 4, _ => -1 };
        var size = value * Math.Pow(1024, power);
        if (power < 0 || size > long.MaxValue / 2) return false;
        bytes = (long)Math.Round(size);
        return true;
    }
}
