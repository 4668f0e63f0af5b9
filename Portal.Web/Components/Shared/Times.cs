using Microsoft.Extensions.Localization;
using Portal.Web.Resources;

namespace Portal.Web.Components.Shared;

/// <summary>Distances in time as people say them.</summary>
public static class Times
{
    /// <summary>"12 min ago", "in 5 h", "now"; negative is past.</summary>
    public static string Distance(IStringLocalizer<Shell> words, TimeSpan distance)
    {
        if (distance.Duration() < TimeSpan.FromMinutes(1)) return words["TimeNow"];
        return words[distance < TimeSpan.Zero ? "TimeAgo" : "TimeIn", Duration(words, distance.Duration())];
    }

    /// <summary>"12 min", "5 h", "3 d": the largest unit only.</summary>
    public static string Duration(IStringLocalizer<Shell> words, TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 60 } => words["DurationSeconds", (int)duration.TotalSeconds],
        { TotalMinutes: < 60 } => words["DurationMinutes", (int)duration.TotalMinutes],
        { TotalHours: < 24 } => words["DurationHours", (int)duration.TotalHours],
        _ => words["DurationDays", (int)duration.TotalDays],
    };
}
