using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Core.Messages;

namespace Portal.Web.Hosting;

/// <summary>What stands before every page: proxies that are believed, HTTPS for whoever comes from elsewhere, and health.</summary>
internal static class FrontDoor
{
    private static readonly string[] PlainToo = ["/.well-known", "/health", "/metrics"];

    public static void UseFrontDoor(this WebApplication app)
    {
        var web = app.Services.GetRequiredService<IOptions<HostingOptions>>().Value.Web;
        if (web.TrustedProxies.Length > 0) app.UseForwardedHeaders(new Proxies(web.TrustedProxies).Forwarding());
        app.Use((context, next) => IsWelcome(context) ? next(context) : SendToHttps(context, web.HttpsPort));
        app.MapAcmeChallenges();
        app.MapGet("/health/live", () => Results.Text("live")).AllowAnonymous();
        app.MapGet("/health/ready", ReadyAsync).AllowAnonymous();
    }

    private static bool IsWelcome(HttpContext context) =>
        context.Request.IsHttps
        || context.Connection.RemoteIpAddress is not { } client || IPAddress.IsLoopback(client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client)
        || PlainToo.Any(path => context.Request.Path.StartsWithSegments(path));

    private static Task SendToHttps(HttpContext context, int httpsPort)
    {
        var request = context.Request;
        // Behind a proxy the scheme it forwarded is its own; its HTTPS port is the usual one.
        var host = context.Request.Headers.ContainsKey("X-Original-Proto") || httpsPort == 443 ? new HostString(request.Host.Host) : new HostString(request.Host.Host, httpsPort);
        context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
        context.Response.Headers.Location = $"https://{host}{request.PathBase}{request.Path}{request.QueryString}";
        return Task.CompletedTask;
    }

    /// <summary>Ready is who takes mail; else one word says what stands in the way.</summary>
    private static async Task<IResult> ReadyAsync(IDbContextFactory<PortalDbContext> databases, DiskSpace disk, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (!await db.Database.CanConnectAsync(cancel)) return NotReady("database");
        return HasRoom(disk) ? Results.Text("ready") : NotReady("disk");
    }

    private static IResult NotReady(string reason) => Results.Text(reason, statusCode: StatusCodes.Status503ServiceUnavailable);

    private static bool HasRoom(DiskSpace disk)
    {
        try
        {
            return !disk.IsLow;
        }
        catch (IOException)
        {
            return false;   // a data folder that cannot be asked takes no mail either
        }
    }
}
