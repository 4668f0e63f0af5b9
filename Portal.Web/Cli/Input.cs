using System.CommandLine;
using System.Globalization;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary>What commands are given.</summary>
internal static class Input
{
    public static Option<bool> PasswordOption() => new("--password-stdin") { Description = CliText.Say("PasswordStdin") };

    /// <summary>Of commands that change something: why, for the audit, as the pages ask.</summary>
    public static Option<string?> ReasonOption() => new("--reason") { Description = CliText.Say("Reason"), HelpName = CliText.Say("ReasonText") };

    /// <summary>The first line of standard input: a password never stands on a command line, where everybody reads it.</summary>
    public static async Task<string> ReadPasswordAsync(CancellationToken cancel) =>
        await Console.In.ReadLineAsync(cancel) ?? throw new StartRefused(CliText.Say("PasswordMissing"));

    /// <summary>A size such as 500MB or 1GB, counted in 1,024.</summary>
    public static long ParseSize(string text)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB"];
        var trimmed = text.Trim().ToUpperInvariant();
        var unit = Array.FindLastIndex(units, u => trimmed.EndsWith(u, StringComparison.Ordinal));
        var number = unit < 0 ? trimmed : trimmed[..^units[unit].Length];
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var value)
            || value * (1L << (10 * Math.Max(unit, 0))) is var bytes && Math.Abs(bytes) > long.MaxValue / 2)
            throw new StartRefused(CliText.Say("BadSize", text));
        return (long)(value * (1L << (10 * Math.Max(unit, 0))));
    }
}
