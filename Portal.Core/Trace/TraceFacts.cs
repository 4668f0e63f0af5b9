using System.Text.Json;

namespace Portal.Core.Trace;

/// <summary>The JSON of events, written and read in one place.</summary>
public static class TraceFacts
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(IReadOnlyList<TraceFact> facts) => JsonSerializer.Serialize(facts, Json);

    public static IReadOnlyList<TraceFact> Read(string json) => JsonSerializer.Deserialize<List<TraceFact>>(json, Json) ?? [];

    public static string? WriteContent(IReadOnlyDictionary<string, string> facts) => facts.Count == 0 ? null : JsonSerializer.Serialize(facts, Json);

    /// <summary>Values that are no text are shown as they were written.</summary>
    public static IReadOnlyDictionary<string, string> ReadContent(string? json)
    {
        if (json is null) return new Dictionary<string, string>();
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ValueKind == JsonValueKind.String ? p.Value.GetString()! : p.Value.GetRawText())
            : new Dictionary<string, string> { ["content"] = document.RootElement.GetRawText() };
    }
}
