using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Portal.Core;

namespace Portal.Smtp;

/// <summary>Limits and timeouts of the SMTP server; the defaults are those of DESIGN §10.</summary>
public sealed class SmtpOptions
{
    public const string Section = "Portal:Smtp";

    /// <summary>Name in greeting, EHLO, Received and made Message-IDs; taken from Portal:HostName, else the machine's name.</summary>
    public string HostName { get; set; } = "";

    /// <summary>Largest message accepted, in octets; announced as SIZE (RFC 1870 §3). RFC 5321 §4.5.3.1.7 asks for at least 64 KiB.</summary>
    [Range(64L * 1024, 2L * 1024 * 1024 * 1024)]
    public long MaxMessageSizeBytes { get; set; } = 50L * 1024 * 1024;

    /// <summary>Largest header section, in octets.</summary>
    [Range(16 * 1024, 256 * 1024)]
    public int MaxHeaderBytes { get; set; } = 256 * 1024;

    /// <summary>Recipients of one message; RFC 5321 §4.5.3.1.8 asks for at least 100.</summary>
    [Range(1, 10_000)]
    public int MaxRecipients { get; set; } = 1000;

    /// <summary>Command line with its CRLF, before EHLO (RFC 5321 §4.5.3.1.4).</summary>
    [Range(512, 65_536)]
    public int MaxCommandOctets { get; set; } = 512;

    /// <summary>Command line with its CRLF after EHLO, where extensions lengthen it.</summary>
    [Range(512, 65_536)]
    public int MaxExtendedCommandOctets { get; set; } = 2000;

    /// <summary>Line of an AUTH exchange with its CRLF (RFC 4954 §4).</summary>
    [Range(512, 65_536)]
    public int MaxAuthenticationOctets { get; set; } = 12_288;

    /// <summary>Longest text line tolerated in a message; RFC 5321 §4.5.3.1.6 asks for 1000.</summary>
    [Range(1000, 16 * 1024 * 1024)]
    public int MaxTextLineOctets { get; set; } = 64 * 1024;

    /// <summary>Received fields beyond which a message loops (RFC 5321 §6.3).</summary>
    [Range(10, 1000)]
    public int MaxReceivedHeaders { get; set; } = 100;

    /// <summary>Refused commands after which the session ends.</summary>
    [Range(1, 10_000)]
    public int MaxErrors { get; set; } = 50;

    /// <summary>Wait for a command (RFC 5321 §4.5.3.2.7).</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "30.00:00:00")]
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Wait for the next block of a message (RFC 5321 §4.5.3.2.5).</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "30.00:00:00")]
    public TimeSpan DataBlockTimeout { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>Wait until the client has taken our reply.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "30.00:00:00")]
    public TimeSpan ReplyTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whole TLS handshake.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "30.00:00:00")]
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Whole session.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "30.00:00:00")]
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Lowest rate of message text, in octets a second over a minute of waiting; 0 lifts it.</summary>
    [Range(0, 1024 * 1024)]
    public int MinDataBytesPerSecond { get; set; } = 500;

    /// <summary>Connections at a time to the MX port, and as many to the submission ports together.</summary>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 1000;

    /// <summary>How many of them are kept for networks that have authenticated or delivered before.</summary>
    [Range(0, 1_000_000)]
    public int ConnectionsForKnownClients { get; set; } = 100;

    /// <summary>Connections one address (IPv6: one /64) may hold at a time.</summary>
    [Range(1, 100_000)]
    public int MaxConnectionsPerAddress { get; set; } = 50;

    /// <summary>New connections one address may open in a minute.</summary>
    [Range(1, 1_000_000)]
    public int MaxNewConnectionsPerMinute { get; set; } = 300;

    /// <summary>Whether loopback is counted too.</summary>
    public bool LimitLoopback { get; set; }

    /// <summary>Whether clients on this machine have to prove who sent their mail too. What runs here is trusted unless set; so is mail that a program here passes on.</summary>
    public bool CheckLoopback { get; set; }

    /// <summary>How long a queued message is tried, from acceptance (RFC 5321 §4.5.4.1).</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "30.00:00:00")]
    public TimeSpan QueueLifetime { get; set; } = TimeSpan.FromDays(5);
}

/// <summary>What the attributes can't say.</summary>
internal sealed class SmtpOptionsValidator : IValidateOptions<SmtpOptions>
{
    public ValidateOptionsResult Validate(string? name, SmtpOptions options)
    {
        var failures = new List<string>();
        if (options.MaxExtendedCommandOctets < options.MaxCommandOctets)
            failures.Add(SettingFault.Of("SettingTooLow", "Portal:Smtp:MaxExtendedCommandOctets", "Portal:Smtp:MaxCommandOctets"));
        if (options.ConnectionsForKnownClients >= options.MaxConnections)
            failures.Add(SettingFault.Of("SettingTooHigh", "Portal:Smtp:ConnectionsForKnownClients", "Portal:Smtp:MaxConnections"));
        if (options.HostName.Length is 0 or > 255 || options.HostName.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-')))
            failures.Add(SettingFault.Of("BadHostName", "Portal:HostName", options.HostName));
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
