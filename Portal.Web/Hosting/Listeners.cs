using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using Portal.Core.Certificates;
using Portal.Core.Data;
using Portal.Smtp.Server;

namespace Portal.Web.Hosting;

/// <summary>Every port of the program, on Kestrel (DESIGN §3).</summary>
internal static class Listeners
{
    public static void AddPortalListeners(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<HostingOptions>().BindConfiguration(HostingOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<HostingOptions>, HostingOptionsValidator>();
        builder.Services.AddOptions<WebOptions>().BindConfiguration(WebOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<WebOptions>, WebOptionsValidator>();
        builder.Services.AddSingleton<WebConnections>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(25));   // DESIGN §1
        builder.WebHost.ConfigureKestrel(Listen);
        // What follows a read runs where the read ended: on a thread of the pool all the same (the sockets' own thread only hands over), so that
        // a page that reads the database holds up nobody else, and a hop less counts at a thousand messages a second (bench/RESULTS.md).
        builder.WebHost.UseSockets(sockets =>
        {
            sockets.UnsafePreferInlineScheduling = true;
            sockets.Backlog = 4096;   // thousands who come at once are greeted at once; who finds the list full tries again a second later
        });
    }

    private static void Listen(KestrelServerOptions kestrel)
    {
        // Kestrel asks for its endpoints before any other part is made: the moment to refuse with nothing half there.
        kestrel.ApplicationServices.GetRequiredService<IStartupValidator>().Validate();
        var options = kestrel.ApplicationServices.GetRequiredService<IOptions<HostingOptions>>().Value;
        Ports.DemandFree(options);
        DataFolder.Prepare(kestrel.ApplicationServices.GetRequiredService<IOptions<StorageOptions>>().Value.DataFolder, kestrel.ApplicationServices.GetRequiredService<IOptions<TlsOptions>>().Value);

        Bound(kestrel.Limits, kestrel.ApplicationServices.GetRequiredService<IOptions<WebOptions>>().Value);
        var connections = kestrel.ApplicationServices.GetRequiredService<WebConnections>();
        kestrel.AddServerHeader = false;
        kestrel.Listen(options.Address, options.Web.Port, http => http.Use(connections.Bound));
        kestrel.Listen(options.Address, options.Web.HttpsPort, https =>
        {
            https.Use(connections.Bound);   // before the handshake
            https.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = hello => new(Handshake(kestrel.ApplicationServices.GetRequiredService<ServerCertificates>(), hello.ClientHelloInfo.ServerName)) });
        });
        kestrel.Listen(options.Address, options.Smtp.Port, mail => mail.UseSmtp(SmtpListenerKind.Mx));
        kestrel.Listen(options.Address, options.Submission.Port, mail => mail.UseSmtp(SmtpListenerKind.Submission));
        kestrel.Listen(options.Address, options.Submissions.Port, mail => mail.UseSmtp(SmtpListenerKind.Submissions));
    }

    /// <summary>Limits of requests; of the connections themselves only those that became WebSockets, which no mail port has.</summary>
    private static void Bound(KestrelServerLimits limits, WebOptions web)
    {
        limits.MaxConcurrentUpgradedConnections = web.MaxPages;
        limits.MaxRequestBodySize = web.MaxRequestBytes;
        limits.MaxRequestHeadersTotalSize = web.MaxRequestHeaderBytes;
        limits.RequestHeadersTimeout = web.RequestHeaderTimeout;
    }

    private static SslServerAuthenticationOptions Handshake(ServerCertificates certificates, string serverName) => new()
    {
        ServerCertificateContext = certificates.ContextFor(serverName),   // asked for at each handshake: a renewed one needs no restart
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
    };
}
