using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Portal.Core.Logs;

/// <summary>What may stand in a log line, and how: one line, bounded, no secret.</summary>
public static class LogText
{
    public const int MaxMessageLength = 4_000;

    public const int MaxExceptionLength = 16_000;

    /// <summary>The property of every line that is written while somebody who has signed in is served.</summary>
    public const string AccountId = "AccountId";

    /// <summary>Stands where a value must not.</summary>
    public const string Removed = "***";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Nobody is meant to log these; should somebody, the value stays out.
    private static readonly FrozenSet<string> Forbidden = new[] { "Password", "Passphrase", "Secret", "Token", "Authorization", "Cookie", "Content", "Body", "Subject", "Credentials", "SetupLink" }
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // The same few names and contexts come with every line. Bounded, though no name comes from outside.
    private const int MaxKnown = 1_000;
    private static readonly ConcurrentDictionary<string, bool> KnownProperties = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<string, string> KnownContexts = new(StringComparer.Ordinal);

    /// <summary>Whether a property's value must not be kept.</summary>
    public static bool IsForbidden(string property) => Remembered(KnownProperties, property, static p => Forbidden.Contains(p) || Forbidden.Any(f => f.Length > 5 && p.EndsWith(f, StringComparison.OrdinalIgnoreCase)));

    /// <summary>The text on one line: CR, LF and every other control or format character that could forge or hide a line is written as an escape.</summary>
    public static string OneLine(string text, int maxLength)
    {
        if (text.Length <= maxLength && !text.Any(MustEscape)) return text;
        var line = new StringBuilder(Math.Min(text.Length, maxLength) + 16);
        foreach (var c in text)
        {
            if (line.Length >= maxLength) return line.Append('…').ToString();
            switch (c)
            {
                case '\r': line.Append("\\r"); break;
                case '\n': line.Append("\\n"); break;
                case '\t': line.Append("\\t"); break;
                case var _ when MustEscape(c): line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}"); break;
                default: line.Append(c); break;
            }
        }

        return line.ToString();
    }

    /// <summary>Properties as JSON, secrets left out; null when there are none.</summary>
    public static string? Properties(IEnumerable<KeyValuePair<string, string>> values)
    {
        var kept = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in values) kept[name] = IsForbidden(name) ? Removed : OneLine(value, 1_000);
        return kept.Count == 0 ? null : JsonSerializer.Serialize(kept, Json);
    }

    /// <summary>Reads what <see cref="Properties"/> wrote.</summary>
    public static IReadOnlyDictionary<string, string> ReadProperties(string? json) =>
        json is null ? new Dictionary<string, string>() : JsonSerializer.Deserialize<Dictionary<string, string>>(json, Json) ?? [];

    /// <summary>The part of the program a source context stands for: "Portal.Smtp.Delivery.Courier" is "Smtp.Delivery".</summary>
    public static string ComponentOf(string? sourceContext) => string.IsNullOrEmpty(sourceContext) ? "Host" : Remembered(KnownContexts, sourceContext, static context =>
    {
        var parts = context.Split('.', '+');
        var names = parts[0] == "Portal" && parts.Length > 1 ? parts[1..] : parts;
        return OneLine(string.Join('.', names.Length > 2 ? names[..2] : names[..1]), 100);
    });

    private static T Remembered<T>(ConcurrentDictionary<string, T> known, string name, Func<string, T> find) =>
        known.TryGetValue(name, out var value) ? value : known.Count < MaxKnown ? known.GetOrAdd(name, find) : find(name);

    private static bool MustEscape(char c) => char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
