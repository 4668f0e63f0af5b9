using System.Globalization;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Localization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MudBlazor;
using MudBlazor.Services;
using Portal.Web.Components;
using Portal.Web.Components.Layout;
using Portal.Web.Components.Shared;
using Portal.Web.Hosting;
using Portal.Web.Mail;
using Portal.Web.Security;

namespace Portal.Web;

/// <summary>Wires the pages.</summary>
public static class WebServices
{
    public static IServiceCollection AddPortalWeb(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<CircuitOptions>().Configure<IOptions<WebOptions>>((circuits, web) =>
        {
            circuits.DisconnectedCircuitRetentionPeriod = web.Value.DisconnectedPageLifetime;
            circuits.DisconnectedCircuitMaxRetained = web.Value.MaxDisconnectedPages;
        });
        services.AddRazorComponents().AddInteractiveServerComponents().AddHubOptions(hub => hub.MaximumReceiveMessageSize = 1024 * 1024);   // a long letter in one message of the circuit
        services.AddHttpContextAccessor();
        return services.AddComponents().AddWords().AddPortalSecurity().AddMail();
    }

    /// <summary>The pipeline of pages and their endpoints; the host puts its own (health, HTTPS) before.</summary>
    public static WebApplication MapPortalWeb(this WebApplication app)
    {
        app.UseBrowserGuard();
        app.UseFaultPage();
        app.UseWhen(context => context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase),
            pages => pages.UseStatusCodePagesWithReExecute("/status/{0}", createScopeForStatusCodePages: true));
        app.UseRouting();
        app.UseAuthentication();
        app.UseAccountScope();
        app.UseOpenPageBounds();
        app.UseRequestLocalization();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.MapStaticAssets().AllowAnonymous();
        app.MapPreferences();
        app.MapSignOut();
        app.MapPresence();
        app.MapMail();
        app.MapMtaSts();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null);   // BrowserGuard's policy says it
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
        services.AddScoped<SaveGuard>();
        services.AddScoped<PaletteItems>();
        services.AddScoped<Admin.Accounts.CredentialReset>();
        services.AddScoped<Admin.Mailboxes.MailboxDeeds>();
        services.AddScoped<Admin.Audit.AuditUndo>();
        services.AddScoped<Admin.Audit.RouteUndo>();
        services.AddScoped<Admin.Audit.AliasUndo>();
        services.AddScoped<Admin.Audit.RoleUndo>();
        services.AddScoped<Admin.Audit.AuditWording>();
        services.AddScoped<Admin.Overview.OverviewWords>();
        services.AddScoped<PageParts>();
        return services;
    }

    private static IServiceCollection AddMail(this IServiceCollection services)
    {
        services.AddOptions<RemoteImageOptions>().BindConfiguration(RemoteImageOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<RemoteImages>();
        services.AddSingleton<LetterSender>();
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
            options.Cookie.Name = "portal-session";
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Lax;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.CookieManager = new HostCookies();
            options.SlidingExpiration = false;
            options.LoginPath = "/sign-in";
            options.ReturnUrlParameter = "returnUrl";
            options.Events.OnValidatePrincipal = Sessions.ValidateAsync;
            var redirectToLogin = options.Events.OnRedirectToLogin;
            options.Events.OnRedirectToLogin = context =>
            {
                if (Sessions.WasAway(context.HttpContext)) context.RedirectUri += "&away=true";
                return redirectToLogin(context);
            };
            options.Events.OnRedirectToAccessDenied = context =>
            {
                context.Response.StatusCode = StatusCodes.Status403Forbidden;
                return Task.CompletedTask;
            };
        });
        services.AddOptions<CookieAuthenticationOptions>(IdentityConstants.ApplicationScheme).Configure<IOptions<WebOptions>>((cookie, web) => cookie.ExpireTimeSpan = web.Value.SessionLifetime);
        services.AddAntiforgery(options =>
        {
            options.Cookie.Name = "portal-form";
            options.Cookie.SameSite = SameSiteMode.Strict;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.SuppressXFrameOptionsHeader = true;   // frame-ancestors says it
        });
        services.AddAuthorization();
        services.AddCascadingAuthenticationState();
        services.AddKeyRing();
        services.AddSingleton<Sessions>();
        services.AddSingleton<IAuthorizationPolicyProvider, CapabilityPolicies>();
        services.AddScoped<IAuthorizationHandler, CapabilityHandler>();
        services.AddScoped<AuthenticationStateProvider, CircuitSession>();
        services.AddSingleton<OpenPages>();
        services.AddScoped<CircuitHandler, OpenPage>();
        services.AddScoped<CurrentActor>();
        return services;
    }
}
