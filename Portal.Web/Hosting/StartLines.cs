using System.Net;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Certificates;
using Portal.Core.Data;

namespace Portal.Web.Hosting;

/// <summary>The last lines of the start: where everything is, and what to do next.</summary>
internal static class StartLines
{
    public static async Task WriteAsync(IServiceProvider services, SetupLink? link, TextWriter output)
    {
        var host = services.GetRequiredService<IOptions<HostingOptions>>().Value;
        var certificates = services.GetRequiredService<ServerCertificates>();
        var (data, tls) = (services.GetRequiredService<IOptions<StorageOptions>>().Value.DataFolder, services.GetRequiredService<IOptions<TlsOptions>>().Value);
        var portal = PortalUrl(host);
        var lines = new List<string> { "", HostText.Say("LinePortal", portal) };
        if (link is not null) lines.Add(HostText.Say("LineSetup", $"{portal}{SetupLink.Path}{link.Token}"));
        lines.Add(HostText.Say("LinePorts", host.ListenAddress, host.Web.Port, host.Web.HttpsPort, host.Smtp.Port, host.Submission.Port, host.Submissions.Port));
        if (IPAddress.IsLoopback(host.Address)) lines.Add(HostText.Say("LineOpen", "Portal:ListenAddress", "0.0.0.0"));
        if (certificates.Problem != CertificateProblem.None) lines.Add(HostText.Say($"Line{certificates.Problem}", "Portal:Tls:Certificate"));
        else if (certificates.IsSelfSigned) lines.Add(HostText.Say("LineSelfSigned", tls.FolderIn(data), "Portal:Tls:Certificate"));
        lines.Add(HostText.Say("LineData", data));
        await output.WriteLineAsync(string.Join(Environment.NewLine, lines));
        await output.FlushAsync();
    }

    /// <summary>Where a browser on this machine finds the portal, with a slash at its end.</summary>
    private static string PortalUrl(HostingOptions host)
    {
        var address = host.Address;
        var isHere = IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
        return isHere ? $"http://localhost:{host.Web.Port}/" : $"https://{(address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : address)}:{host.Web.HttpsPort}/";
    }
}
