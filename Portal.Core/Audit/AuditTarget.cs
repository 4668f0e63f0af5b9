namespace Portal.Core.Audit;

/// <summary>What an act on many was for, in the words of the audit.</summary>
internal static class AuditTarget
{
    private const int MaxIds = 20;

    /// <summary>The ids named, or the parts of a filter that were given; "*" for everything.</summary>
    public static string Of(IReadOnlyList<long>? ids, params (string Name, object? Value)[] filter)
    {
        if (ids is not null) return string.Join(", ", ids.Take(MaxIds)) + (ids.Count > MaxIds ? ", …" : "");
        var given = filter.Where(p => p.Value is not null).Select(p => $"{p.Name}={p.Value}").ToList();
        return given.Count == 0 ? "*" : string.Join(", ", given);
    }
}
