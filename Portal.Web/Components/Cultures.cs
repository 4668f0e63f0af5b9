using Microsoft.AspNetCore.Localization;
using Portal.Web.Security;

namespace Portal.Web.Components;

/// <summary>The language of the signed-in account.</summary>
internal sealed class AccountCulture : RequestCultureProvider
{
    public const string Cookie = "portal-language";

    public override async Task<ProviderCultureResult?> DetermineProviderCultureResult(HttpContext httpContext)
    {
        if (httpContext.User.Identity?.IsAuthenticated != true) return null;

        var account = await httpContext.RequestServices.GetRequiredService<Sessions>().FindAsync(httpContext.User, httpContext.RequestAborted);
        return account?.Language is { } language ? new ProviderCultureResult(language) : null;
    }
}

/// <summary>The first language of the browser that we speak; every Chinese reads the one we have.</summary>
internal sealed class BrowserCulture : RequestCultureProvider
{
    public override Task<ProviderCultureResult?> DetermineProviderCultureResult(HttpContext httpContext)
    {
        var wanted = httpContext.Request.GetTypedHeaders().AcceptLanguage.OrderByDescending(l => l.Quality ?? 1).Select(l => l.Value.Value ?? "");
        foreach (var language in wanted.Take(20))
        {
            if (language.StartsWith("zh", StringComparison.OrdinalIgnoreCase)) return Task.FromResult<ProviderCultureResult?>(new("zh-Hans"));
            if (language.StartsWith("en", StringComparison.OrdinalIgnoreCase)) return Task.FromResult<ProviderCultureResult?>(new("en"));
        }

        return NullProviderCultureResult;
    }
}
