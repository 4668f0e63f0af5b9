using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Portal.Core;

namespace Portal.Web.Hosting;

/// <summary>How much of the web ports one network and all together may take (DESIGN §1, §10). The mail ports have their own (<see cref="Smtp.SmtpOptions"/>).</summary>
public sealed class WebOptions
{
    public const string Section = "Portal:Web";

    /// <summary>Connections at a time to both web ports together; one more is closed at once.</summary>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 2000;

    /// <summary>How many of them are kept for networks from which somebody has signed in, and for trusted proxies.</summary>
    [Range(0, 1_000_000)]
    public int ConnectionsForKnownClients { get; set; } = 1000;

    /// <summary>Connections at a time of one address (IPv6: one /64) from which nobody has signed in; behind one that is known a whole office may sit: it has a quarter of all.</summary>
    [Range(1, 1_000_000)]
    public int MaxConnectionsPerAddress { get; set; } = 50;

    /// <summary>New connections in a minute of such an address.</summary>
    [Range(1, 1_000_000)]
    public int MaxNewConnectionsPerMinute { get; set; } = 300;

    /// <summary>Whether loopback is counted too.</summary>
    public bool LimitLoopback { get; set; }

    /// <summary>Open pages at a time, those kept for a browser that lost its connection among them; one more is refused.</summary>
    [Range(1, 1_000_000)]
    public int MaxPages { get; set; } = 1000;

    /// <summary>Open pages of one account.</summary>
    [Range(1, 1_000_000)]
    public int MaxPagesPerAccount { get; set; } = 50;

    /// <summary>Largest request in octets but for attachments, whose bound is the message's.</summary>
    [Range(64 * 1024, int.MaxValue)]
    public int MaxRequestBytes { get; set; } = 2 * 1024 * 1024;

    /// <summary>All header fields of a request together, in octets.</summary>
    [Range(8 * 1024, 1024 * 1024)]
    public int MaxRequestHeaderBytes { get; set; } = 32 * 1024;

    /// <summary>Wait for the header of a request.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RequestHeaderTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Pages kept whose browser has lost its connection; the oldest goes first.</summary>
    [Range(0, 100_000)]
    public int MaxDisconnectedPages { get; set; } = 200;

    /// <summary>How long such a page is kept: a browser that comes back in this time finds it with what was typed.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan DisconnectedPageLifetime { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>How long a session lasts, whatever its cookie or an open page says.</summary>
    [Range(typeof(TimeSpan), "00:10:00", "7.00:00:00")]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <summary>How long a session lasts without input, of an account that may do more than use its own mail.</summary>
    [Range(typeof(TimeSpan), "00:05:00", "7.00:00:00")]
    public TimeSpan AdministratorIdleTimeout { get; set; } = TimeSpan.FromMinutes(30);
}

/// <summary>What the attributes can't say.</summary>
internal sealed class WebOptionsValidator : IValidateOptions<WebOptions>
{
    public ValidateOptionsResult Validate(string? name, WebOptions options) => options.ConnectionsForKnownClients >= options.MaxConnections
        ? ValidateOptionsResult.Fail(SettingFault.Of("SettingTooHigh", "Portal:Web:ConnectionsForKnownClients", "Portal:Web:MaxConnections"))
        : ValidateOptionsResult.Success;
}
