using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace Portal.Web.Cli;

/// <summary>What a command says: JSON for scripts, a plain table for people. Control characters from outside never reach a terminal.</summary>
internal static class Output
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static Option<bool> JsonOption() => new("--json") { Description = CliText.Say("Json") };

    /// <summary>Writes the rows; the properties of <typeparamref name="T"/> are the columns.</summary>
    public static async Task WriteAsync<T>(IReadOnlyList<T> rows, bool asJson)
    {
        if (asJson)
        {
            await using var stream = Console.OpenStandardOutput();
            await JsonSerializer.SerializeAsync(stream, rows, Json);
            await stream.WriteAsync("\n"u8.ToArray());
            return;
        }

        var properties = typeof(T).GetProperties();
        foreach (var row in rows) Console.WriteLine(string.Join('\t', properties.Select(p => Plain(p.GetValue(row)))));
    }

    private static string Plain(object? value)
    {
        if (value is null) return "-";
        var text = value is DateTimeOffset at ? at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture) : Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!;
        var line = new System.Text.StringBuilder(text.Length);
        Hosting.LogLines.Escape(text, line);
        return line.ToString();
    }
}
