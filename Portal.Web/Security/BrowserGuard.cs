using Portal.Core.Certificates;

namespace Portal.Web.Security;

/// <summary>What a browser is told to refuse, and what is refused from a browser that stands on another site.</summary>
internal static class BrowserGuard
{
    /// <summary>Sets the headers of every answer; an endpoint that sets its own policy (a message body) keeps it.</summary>
    public static void UseBrowserGuard(this IApplicationBuilder app)
    {
        var certificates = app.ApplicationServices.GetService<ServerCertificates>();
        app.Use((context, next) =>
        {
            context.Response.OnStarting(() =>
            {
                SetHeaders(context, isStrict: context.Request.IsHttps && certificates?.IsGoodFor(context.Request.Host.Host) == true);
                return Task.CompletedTask;
            });
            if (!IsFromElsewhere(context.Request)) return next(context);

            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        });
    }

    private static void SetHeaders(HttpContext context, bool isStrict)
    {
        var headers = context.Response.Headers;
        var host = context.Request.Host;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        if (string.IsNullOrEmpty(headers.ContentSecurityPolicy))
        {
            // MudBlazor sets style attributes: style-src needs 'unsafe-inline'. Scripts come from files only.
            headers.ContentSecurityPolicy =
                $"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws://{host} wss://{host}; frame-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'; object-src 'none'";
        }

        // With a self-signed or expired certificate HSTS would take away the browser's "go on": only a good one sets it.
        if (isStrict) headers.StrictTransportSecurity = "max-age=31536000";
        if (context.Response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) == true && string.IsNullOrEmpty(headers.CacheControl)) headers.CacheControl = "no-store";
    }

    /// <summary>Hub, forms, API and downloads answer our own pages only; following a link from another site is navigation and stays allowed.</summary>
    private static bool IsFromElsewhere(HttpRequest request)
    {
        if (request.Headers.Origin is [{ Length: > 0 } origin] && !IsSafe(request))
            return !Uri.TryCreate(origin, UriKind.Absolute, out var from) || !string.Equals(from.Authority, Authority(request), StringComparison.OrdinalIgnoreCase);
        if (request.Path.StartsWithSegments("/mail/remote")) return false;   // a body's frame has no origin; the address is signed, and an answer is a picture
        return request.Headers["Sec-Fetch-Site"] == "cross-site" && request.Headers["Sec-Fetch-Mode"] != "navigate";
    }

    // A WebSocket begins as GET, and no same-origin rule of the browser's stands before it.
    private static bool IsSafe(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method)) && !request.HttpContext.WebSockets.IsWebSocketRequest && !request.Path.StartsWithSegments("/_blazor");

    private static string Authority(HttpRequest request) => new Uri($"{request.Scheme}://{request.Host}").Authority;
}
