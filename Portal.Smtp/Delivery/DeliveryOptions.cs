using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;
using Portal.Core;

namespace Portal.Smtp.Delivery;

/// <summary>How mail leaves: retries, limits and timeouts of the courier (DESIGN §4, §10).</summary>
public sealed class DeliveryOptions
{
    public const string Section = "Portal:Delivery";

    /// <summary>Port of the servers that MX names; anything but 25 is for tests and laboratories.</summary>
    [Range(1, 65535)]
    public int Port { get; set; } = 25;

    /// <summary>Name in EHLO and in DSNs; taken from Portal:HostName, else the machine's name.</summary>
    public string HostName { get; set; } = "";

    /// <summary>Address that connections over IPv4 leave from; null lets the system choose.</summary>
    public string? SourceAddress { get; set; }

    /// <summary>Address that connections over IPv6 leave from; null lets the system choose.</summary>
    public string? SourceAddressV6 { get; set; }

    /// <summary>Whether an MX may name this machine's loopback addresses. Off: mail would come back to ourselves.</summary>
    public bool AllowLoopback { get; set; }

    /// <summary>Wait before the second try; it doubles with each one.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan FirstRetry { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest wait between two tries.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "2.00:00:00")]
    public TimeSpan MaxRetry { get; set; } = TimeSpan.FromHours(4);

    /// <summary>Part of each wait that chance may add or take away, so that mail deferred together does not come back together.</summary>
    [Range(0, 0.9)]
    public double RetryJitter { get; set; } = 0.2;

    /// <summary>Age at which the sender is told that mail is late, once.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan DelayNotice { get; set; } = TimeSpan.FromHours(4);

    /// <summary>Connections at a time, to all destinations together.</summary>
    [Range(1, 10_000)]
    public int MaxConnections { get; set; } = 50;

    /// <summary>Connections at a time to one destination; it begins at one and grows with success.</summary>
    [Range(1, 1000)]
    public int MaxConnectionsPerDestination { get; set; } = 10;

    /// <summary>Messages sent over one connection before it is closed.</summary>
    [Range(1, 100_000)]
    public int MaxMessagesPerConnection { get; set; } = 100;

    /// <summary>Recipients of one mail transaction (RFC 5321 §4.5.3.1.8: every server takes 100).</summary>
    [Range(1, 1000)]
    public int MaxRecipientsPerTransaction { get; set; } = 100;

    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>RFC 5321 §4.5.3.2.1.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan GreetingTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>EHLO, STARTTLS, AUTH, MAIL, RCPT and RSET (RFC 5321 §4.5.3.2.2, .3).</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>RFC 5321 §4.5.3.2.4.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan DataStartTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Each piece of content (RFC 5321 §4.5.3.2.5).</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan DataBlockTimeout { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>The reply to the final dot (RFC 5321 §4.5.3.2.6); too short a wait makes duplicates.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan DataEndTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Connecting to a destination over all its servers together, and its envelope, for which each recipient adds 10 s. Shorter than the
    /// steps of RFC 5321 §4.5.3.2 in a row: who has mail sent to many silent servers would hold every connection for as long.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "06:00:00")]
    public TimeSpan ReachTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>One message's whole try, connection included.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "06:00:00")]
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromMinutes(45);

    /// <summary>Farewell; nothing depends on its answer.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan QuitTimeout { get; set; } = TimeSpan.FromSeconds(5);
}

internal sealed class DeliveryOptionsValidator : IValidateOptions<DeliveryOptions>
{
    public ValidateOptionsResult Validate(string? name, DeliveryOptions options)
    {
        var failures = new List<string>();
        if (options.MaxRetry < options.FirstRetry) failures.Add(SettingFault.Of("SettingTooLow", "Portal:Delivery:MaxRetry", "Portal:Delivery:FirstRetry"));
        if (options.SourceAddress is { } v4 && !(IPAddress.TryParse(v4, out var four) && four.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork))
            failures.Add(SettingFault.Of("BadSourceAddress", "Portal:Delivery:SourceAddress", "IPv4", v4));
        if (options.SourceAddressV6 is { } v6 && !(IPAddress.TryParse(v6, out var six) && six.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6))
            failures.Add(SettingFault.Of("BadSourceAddress", "Portal:Delivery:SourceAddressV6", "IPv6", v6));
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
