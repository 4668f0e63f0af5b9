using System.Text.Json;

namespace Portal.Core.Audit;

/// <summary>One value of an entry, before and after.</summary>
/// <param name="Name">Name of the value; null when the entry is about a single one.</param>
/// <param name="Before">As text; null when there was none.</param>
/// <param name="After">As text; null when there is none.</param>
public sealed record AuditChange(string? Name, string? Before, string? After)
{
    public bool IsChanged => Before != After;

    /// <summary>The values of an entry side by side, in the order they were written.</summary>
    public static IReadOnlyList<AuditChange> Of(AuditEntry entry)
    {
        var (before, after) = (Read(entry.Before), Read(entry.After));
        return [.. before.Keys.Union(after.Keys).Select(name => new AuditChange(name.Length == 0 ? null : name, before.GetValueOrDefault(name), after.GetValueOrDefault(name)))];
    }

    // A JSON object gives its members, anything else a single value under the empty name.
    private static Dictionary<string, string?> Read(string? json)
    {
        if (json is null) return [];
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => Text(p.Value))
            : new() { [""] = Text(document.RootElement) };
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ => value.GetRawText(),
    };
}
