using System.Globalization;
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

    /// <summary>"today 10:12", "yesterday 10:12", or the date: for sentences; both in the person's own zone.</summary>
    public static string Day(IStringLocalizer<Shell> words, DateTimeOffset at, DateTimeOffset now, TimeZoneInfo zone)
    {
        var (then, today) = (TimeZoneInfo.ConvertTime(at, zone), TimeZoneInfo.ConvertTime(now, zone).Date);
        var time = then.ToString("HH:mm", CultureInfo.InvariantCulture);
        if (then.Date == today) return words["DayToday", time];
        return then.Date == today.AddDays(-1) ? words["DayYesterday", time] : words["DayOn", then.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), time];
    }

    /// <summary>How long to wait, never less than it takes.</summary>
    public static string Wait(IStringLocalizer<Shell> words, TimeSpan wait) => Duration(words, TimeSpan.FromSeconds(Math.Ceiling(wait.TotalSeconds)));

    /// <summary>"12 min", "5 h", "3 d": the largest unit only.</summary>
    public static string Duration(IStringLocalizer<Shell> words, TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 60 } => words["DurationSeconds", (int)duration.TotalSeconds],
        { TotalMinutes: < 60 } => words["DurationMinutes", (int)duration.TotalMinutes],
        { TotalHours: < 24 } => words["DurationHours", (int)duration.TotalHours],
        _ => words["DurationDays", (int)duration.TotalDays],
    };
}
