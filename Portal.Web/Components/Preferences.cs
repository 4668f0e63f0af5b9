using Microsoft.AspNetCore.Localization;

namespace Portal.Web.Components;

/// <summary>What a visitor may choose without an account: the language, kept in a cookie.</summary>
internal static class Preferences
{
    public static void MapPreferences(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/language/{language}", (string language, string? returnUrl, HttpContext context) =>
        {
            if (!Languages.All.Contains(language)) return Results.NotFound();

            context.Response.Cookies.Append(AccountCulture.Cookie, CookieRequestCultureProvider.MakeCookieValue(new RequestCulture(language)),
                new CookieOptions { MaxAge = TimeSpan.FromDays(365), SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, IsEssential = true });
            return Results.LocalRedirect(LocalPath.Of(returnUrl));
        }).AllowAnonymous();
}

/// <summary>Where to go back to: a path of ours, never another site's.</summary>
internal static class LocalPath
{
    public static string Of(string? returnUrl)
    {
        var path = "/" + (returnUrl ?? "").TrimStart('/', '\\');
        return path.Any(char.IsControl) || path.Contains('\\', StringComparison.Ordinal) ? "/" : path;
    }
}
