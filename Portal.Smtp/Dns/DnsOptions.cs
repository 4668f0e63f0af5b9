using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;
using Portal.Core;

namespace Portal.Smtp.Dns;

/// <summary>Whom we ask for MX and addresses.</summary>
public sealed class DnsOptions
{
    public const string Section = "Portal:Dns";

    /// <summary>Resolvers as "address" or "address:port" (IPv6 in brackets), asked in this order; empty for the system's own.</summary>
    public IReadOnlyList<string> Servers { get; set; } = [];

    /// <summary>Longest wait for one question.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan LookupTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for everything one destination needs.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Reads a server with its port, 53 when it names none.</summary>
    internal static bool TryParseServer(string text, out IPEndPoint server)
    {
        server = new IPEndPoint(IPAddress.None, 53);
        if (!IPEndPoint.TryParse(text.Trim(), out var parsed)) return false;
        server = parsed.Port == 0 ? new IPEndPoint(parsed.Address, 53) : parsed;
        return true;
    }
}

internal sealed class DnsOptionsValidator : IValidateOptions<DnsOptions>
{
    public ValidateOptionsResult Validate(string? name, DnsOptions options) =>
        options.Servers.FirstOrDefault(s => !DnsOptions.TryParseServer(s, out _)) is { } bad
            ? ValidateOptionsResult.Fail(SettingFault.Of("BadDnsServer", "Portal:Dns:Servers", bad))
            : ValidateOptionsResult.Success;
}
