using System.Globalization;

namespace Portal.Web.Components.Shared;

/// <summary>Quotas as people type them.</summary>
public static class Quotas
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB"];

    /// <summary>Text to edit, exact in the largest unit that divides it; empty for no limit.</summary>
    public static string Text(long? bytes)
    {
        if (bytes is not { } value) return "";
        var unit = 0;
        while (value > 0 && value % 1024 == 0 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value} {Units[unit]}");
    }

    /// <summary>Reads "2 GB"; empty means no limit (null). False when it is neither.</summary>
    public static bool TryParse(string? text, out long? bytes)
    {
        bytes = null;
        if (string.IsNullOrWhiteSpace(text)) return true;
        if (!ByteSize.TryParse(text, out var value)) return false;
        bytes = value;
        return true;
    }
}
