using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Localization;
using Portal.Core.Data;
using Portal.Web.Security;

namespace Portal.Web.Components;

/// <summary>The catch-all of requests: a page in words with a reference; the cause went to the log under the same one.</summary>
internal static partial class Faults
{
    private static readonly string[] TokenPages = ["setup", "first-password"];

    public static void UseFaultPage(this WebApplication app) =>
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = ShowAsync, SuppressDiagnosticsCallback = _ => true });

    /// <summary>The path without a token that works once: whoever reads the log must not be able to use it.</summary>
    internal static string Loggable(string path) =>
        path.Split('/') is ["", var page, not "", ..] parts && TokenPages.Contains(page, StringComparer.OrdinalIgnoreCase) ? string.Join('/', ["", page, "…", .. parts[3..]]) : path;

    private static async Task ShowAsync(HttpContext context)
    {
        var feature = context.Features.Get<IExceptionHandlerPathFeature>()!;
        var isOutage = feature.Error.IsOutage();
        var reference = Guid.NewGuid().ToString("N")[..12];
        var logger = context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Faults));
        using var scope = logger.BeginAccountScope(OpenPages.AccountOf(context.User));   // the request's own has ended with it
        LogFault(logger, context.Request.Method, Loggable(feature.Path), reference, feature.Error);
        context.Response.StatusCode = isOutage ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError;

        var chosen = await new CookieRequestCultureProvider { CookieName = AccountCulture.Cookie }.DetermineProviderCultureResult(context) ?? await new BrowserCulture().DetermineProviderCultureResult(context);
        CultureInfo.CurrentUICulture = CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(chosen?.UICultures[0].Value is { } name && Languages.All.Contains(name) ? name : Languages.All[0]);
        var start = Display.StartOf(context);
        var isDark = start.Scheme is Core.Accounts.ColourScheme.Dark || (start.Scheme is null or Core.Accounts.ColourScheme.System && start.SystemIsDark);
        var page = new RazorComponentResult<ErrorDocument>(new { Reference = reference, IsOutage = isOutage, IsDark = isDark, Path = LocalPath.Of(feature.Path) }) { StatusCode = context.Response.StatusCode };
        await page.ExecuteAsync(context);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed; reference {Reference}")]
    private static partial void LogFault(ILogger logger, string method, string path, string reference, Exception exception);
}
