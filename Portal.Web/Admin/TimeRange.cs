namespace Portal.Web.Admin;

/// <summary>The time filter of lists that grow: the last hour, day, week or month; its words are "Range_…" of the page.</summary>
public static class TimeRange
{
    public static readonly IReadOnlyList<string> Keys = ["hour", "day", "week", "month"];

    /// <summary>When the range begins; null for everything.</summary>
    public static DateTimeOffset? From(string? key, DateTimeOffset now) => key switch
    {
        "hour" => now.AddHours(-1),
        "day" => now.AddDays(-1),
        "week" => now.AddDays(-7),
        "month" => now.AddDays(-30),
        _ => null,
    };
}
