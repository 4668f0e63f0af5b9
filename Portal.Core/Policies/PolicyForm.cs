using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Portal.Core.Data;
using Portal.Core.Jobs;

namespace Portal.Core.Policies;

/// <summary>A policy as its row holds it.</summary>
internal static class PolicyForm
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    public static IQueryable<Setting> RowOf<T>(PortalDbContext db)
        where T : IPolicy<T>
    {
        var key = T.Key;
        return db.Settings.Where(s => s.Key == key);
    }

    public static T Read<T>(string? text)
        where T : new() => text is null ? new T() : JsonSerializer.Deserialize<T>(text, Json)!;

    public static string Write<T>(T policy) => JsonSerializer.Serialize(policy, Json);

    /// <summary>As the audit tells of it: values by name.</summary>
    public static JsonNode? Shown<T>(T policy)
    {
        var shown = JsonSerializer.SerializeToNode(policy, Json);
        shown?.AsObject().Remove("version");
        return shown;
    }
}
