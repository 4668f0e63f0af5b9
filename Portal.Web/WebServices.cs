using System.Globalization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Localization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MudBlazor;
using MudBlazor.Services;
using Portal.Core.Accounts;
using Portal.Web.Components;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web;

/// <summary>Wires the pages.</summary>
public static class WebServices
{
    public static IServiceCollection AddPortalWeb(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<AccountDirectory>();
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddHttpContextAccessor();
        return services.AddComponents().AddWords().AddPortalSecurity();
    }

    public static WebApplication MapPortalWeb(this WebApplication app)
    {
        app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
        app.UseAuthentication();
        app.UseRequestLocalization();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.MapStaticAssets().AllowAnonymous();
        app.MapPreferences();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
        return app;
    }

    private static IServiceCollection AddComponents(this IServiceCollection services)
    {
        services.AddMudServices(options =>
        {
            options.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomRight;
            options.SnackbarConfiguration.PreventDuplicates = true;
            options.SnackbarConfiguration.ShowTransitionDuration = 100;
            options.SnackbarConfiguration.HideTransitionDuration = 100;
        });
        services.AddScoped<Display>();
        services.AddScoped<Wording>();
        services.AddScoped<Notices>();
        return services;
    }

    private static IServiceCollection AddWords(this IServiceCollection services)
    {
        services.AddLocalization();
        services.AddTransient<MudLocalizer, PortalMudLocalizer>();
        services.Configure<RequestLocalizationOptions>(options =>
        {
            var cultures = Languages.All.Select(CultureInfo.GetCultureInfo).ToList();
            options.SupportedCultures = cultures;
            options.SupportedUICultures = cultures;
            options.DefaultRequestCulture = new RequestCulture(Languages.All[0]);
            options.RequestCultureProviders = [new AccountCulture(), new CookieRequestCultureProvider { CookieName = AccountCulture.Cookie }, new BrowserCulture()];
        });
        return services;
    }

    private static IServiceCollection AddPortalSecurity(this IServiceCollection services)
    {
        services.AddAuthentication(IdentityConstants.ApplicationScheme).AddCookie(IdentityConstants.ApplicationScheme, options =>
        {
            options.LoginPath = "/sign-in";
            options.AccessDeniedPath = "/denied";
        });
        services.AddAuthorization();
        services.AddCascadingAuthenticationState();
        services.AddScoped<IAuthorizationHandler, CapabilityHandler>();
        services.AddScoped<Security.Accounts>();
        services.AddScoped<CurrentActor>();
        return services;
    }
}
