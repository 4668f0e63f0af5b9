namespace Portal.Web.Components;

/// <summary>Which columns of which lists a person leaves out, as one cookie holds it: "mailboxes:used.signin~queue:tries".</summary>
public sealed class HiddenColumns
{
    private readonly Dictionary<string, HashSet<string>> lists = [];

    public static HiddenColumns Parse(string? text)
    {
        var parsed = new HiddenColumns();
        foreach (var list in (text ?? "").Split('~', StringSplitOptions.RemoveEmptyEntries))
            if (list.Split(':') is [var name, var columns]) parsed.lists[name] = [.. columns.Split('.', StringSplitOptions.RemoveEmptyEntries)];
        return parsed;
    }

    public bool IsHidden(string list, string column) => lists.TryGetValue(list, out var hidden) && hidden.Contains(column);

    /// <summary>Shows a hidden column, or hides a shown one.</summary>
    public void Toggle(string list, string column)
    {
        if (!lists.TryGetValue(list, out var hidden)) lists[list] = hidden = [];
        if (!hidden.Remove(column)) hidden.Add(column);
    }

    /// <summary>What the cookie keeps.</summary>
    public override string ToString() => string.Join('~', lists.Where(l => l.Value.Count > 0).Select(l => $"{l.Key}:{string.Join('.', l.Value)}"));
}
