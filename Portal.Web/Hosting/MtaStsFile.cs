using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Web.Admin.Domains;

namespace Portal.Web.Hosting;

/// <summary>The MTA-STS policies of our domains, as servers that send to them fetch them (RFC 8461 §3.3): by the name of the host, without sign-in.</summary>
internal static class MtaStsFile
{
    public static void MapMtaSts(this WebApplication app) => app.MapGet(MtaStsPolicy.Path, AnswerAsync).AllowAnonymous();

    private static async Task<IResult> AnswerAsync(HttpContext context, MtaStsSettings settings, IOptions<HostingOptions> hosting, TimeProvider clock, CancellationToken cancel)
    {
        if (DomainOf(context.Request.Host.Host) is not { } domain
            || await settings.FindAsync(domain.Value, cancel) is not { } setting
            || setting.PolicyAt(clock.GetUtcNow(), PublicName.Of(hosting.Value)) is not { } policy)
            return Results.NotFound();

        context.Response.Headers.CacheControl = $"public, max-age={(int)MtaStsSetting.CacheFor.TotalSeconds}";
        return Results.Text(policy.Text, "text/plain");
    }

    /// <summary>The domain whose policy host was asked; null for any other host.</summary>
    private static DomainName? DomainOf(string host)
    {
        var name = host.EndsWith('.') ? host[..^1] : host;   // who asks for an absolute name
        return name.StartsWith(MtaStsPolicy.HostPrefix, StringComparison.OrdinalIgnoreCase) && DomainName.TryParse(name[MtaStsPolicy.HostPrefix.Length..], out var domain) ? domain : null;
    }
}
