using Portal.Core.Accounts;

namespace Portal.Web.Components;

/// <summary>What the page that starts a circuit hands over to it: what only a request knows.</summary>
public sealed record Start(string? Address, ColourScheme? Scheme, bool SystemIsDark, bool? Compact, bool SingleKeys, string? Zone, string? Columns);

/// <summary>How things are shown to the person of this circuit or request.</summary>
public sealed class Display
{
    public const string SchemeCookie = "portal-scheme";
    public const string SystemDarkCookie = "portal-system-dark";
    public const string DensityCookie = "portal-density";
    public const string KeysCookie = "portal-keys";
    public const string ZoneCookie = "portal-zone";
    public const string ColumnsCookie = "portal-columns";

    public TimeZoneInfo Zone { get; set; } = TimeZoneInfo.Utc;

    public ColourScheme Scheme { get; set; }

    public bool SystemIsDark { get; set; }

    /// <summary>Rows of 36 px instead of 44; null leaves it to the area.</summary>
    public bool? Compact { get; set; }

    /// <summary>Whether single characters act as keys (WCAG 2.1.4); portal.js reads the same cookie.</summary>
    public bool SingleKeys { get; set; } = true;

    /// <summary>Columns left out of lists.</summary>
    public HiddenColumns Columns { get; set; } = HiddenColumns.Parse(null);

    public bool IsDark => Scheme == ColourScheme.Dark || (Scheme == ColourScheme.System && SystemIsDark);

    /// <summary>Raised when scheme or density changed.</summary>
    public event Action? Changed;

    public void Notify() => Changed?.Invoke();

    public static TimeZoneInfo ZoneOrUtc(string? id) => id is not null && TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : TimeZoneInfo.Utc;

    public static Start StartOf(HttpContext context) => new(
        context.Connection.RemoteIpAddress?.ToString(),
        Enum.TryParse<ColourScheme>(context.Request.Cookies[SchemeCookie], true, out var scheme) ? scheme : null,
        context.Request.Cookies[SystemDarkCookie] == "1",
        context.Request.Cookies[DensityCookie] switch { "compact" => true, "comfortable" => false, _ => null },
        context.Request.Cookies[KeysCookie] != "off",
        context.Request.Cookies[ZoneCookie],
        context.Request.Cookies[ColumnsCookie]);

    /// <summary>Keeps the scheme where the first frame of the next page finds it.</summary>
    public static void Remember(HttpContext context, ColourScheme scheme) =>
        context.Response.Cookies.Append(SchemeCookie, scheme.ToString(), new CookieOptions { MaxAge = TimeSpan.FromDays(365), SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps });
}
