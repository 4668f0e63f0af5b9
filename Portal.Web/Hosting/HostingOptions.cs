using System.Net;
using Microsoft.Extensions.Options;

namespace Portal.Web.Hosting;

/// <summary>Where the program listens and what it calls itself.</summary>
public sealed class HostingOptions
{
    public const string Section = "Portal";

    /// <summary>Name in greeting, HELO, Received and the self-signed certificate; null means the machine's own.</summary>
    public string? HostName { get; set; }

    /// <summary>Address of every listener. 127.0.0.1 is this machine only, 0.0.0.0 or [::] is every network.</summary>
    public string ListenAddress { get; set; } = "127.0.0.1";

    public WebPorts Web { get; set; } = new();

    /// <summary>Mail from other servers (MX).</summary>
    public MailPort Smtp { get; set; } = new() { Port = 2525 };

    /// <summary>Mail from our own people, STARTTLS (RFC 6409).</summary>
    public MailPort Submission { get; set; } = new() { Port = 2587 };

    /// <summary>The same with TLS from the first byte (RFC 8314 §3.3).</summary>
    public MailPort Submissions { get; set; } = new() { Port = 2465 };

    /// <summary>Each port with the setting that names it.</summary>
    public IEnumerable<(string Setting, int Port)> Ports =>
    [
        ("Portal:Web:Port", Web.Port), ("Portal:Web:HttpsPort", Web.HttpsPort),
        ("Portal:Smtp:Port", Smtp.Port), ("Portal:Submission:Port", Submission.Port), ("Portal:Submissions:Port", Submissions.Port),
    ];

    public IPAddress Address => IPAddress.Parse(ListenAddress);

    public sealed class WebPorts
    {
        /// <summary>HTTP: full on loopback; from elsewhere it sends to HTTPS.</summary>
        public int Port { get; set; } = 8080;

        public int HttpsPort { get; set; } = 8443;

        /// <summary>Addresses or networks of proxies in front, whose X-Forwarded-For and -Proto are believed.</summary>
        public string[] TrustedProxies { get; set; } = [];
    }

    public sealed class MailPort
    {
        public int Port { get; set; }
    }
}

internal sealed class HostingOptionsValidator : IValidateOptions<HostingOptions>
{
    public ValidateOptionsResult Validate(string? name, HostingOptions options)
    {
        var failures = new List<string>();
        if (!IPAddress.TryParse(options.ListenAddress, out _)) failures.Add(HostText.Say("BadListenAddress", "Portal:ListenAddress", options.ListenAddress));
        if (options.HostName is { Length: > 0 } host && Uri.CheckHostName(host) != UriHostNameType.Dns) failures.Add(HostText.Say("BadHostName", "Portal:HostName", host));
        foreach (var (setting, port) in options.Ports)
        {
            if (port is < 1 or > 65535) failures.Add(HostText.Say("BadPort", setting, port));
        }

        foreach (var same in options.Ports.GroupBy(p => p.Port).Where(g => g.Count() > 1))
            failures.Add(HostText.Say("SamePort", string.Join(", ", same.Select(p => p.Setting)), same.Key));
        foreach (var proxy in options.Web.TrustedProxies)
        {
            if (!IPAddress.TryParse(proxy, out _) && !System.Net.IPNetwork.TryParse(proxy, out _)) failures.Add(HostText.Say("BadProxy", "Portal:Web:TrustedProxies", proxy));
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
