using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Portal.Smtp.Delivery;

/// <summary>How a question to the DNS ended.</summary>
public enum DnsStatus
{
    /// <summary>Answered; with no records when the name has none of that type.</summary>
    Answered,

    /// <summary>NXDOMAIN: there is no such name.</summary>
    NoSuchName,

    /// <summary>No answer in time, or one that is none (SERVFAIL, REFUSED): ask again later.</summary>
    Failed,
}

/// <summary>An answer of the DNS.</summary>
[SuppressMessage("Design", "CA1000", Justification = "The three kinds of answer, named.")]
public readonly record struct DnsAnswer<T>(DnsStatus Status, IReadOnlyList<T> Records)
{
    public static DnsAnswer<T> Failed => new(DnsStatus.Failed, []);

    public static DnsAnswer<T> NoSuchName => new(DnsStatus.NoSuchName, []);

    public static DnsAnswer<T> Of(params IReadOnlyList<T> records) => new(DnsStatus.Answered, records);
}

/// <summary>An MX record (RFC 1035 §3.3.9); an empty host is the root, as in a null MX (RFC 7505 §3).</summary>
public readonly record struct MailExchanger(int Preference, string Host);

/// <summary>The DNS, at the edge of the process: tests replace it.</summary>
public interface IMailDns
{
    /// <summary>MX records of a domain in A-label form.</summary>
    Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel);

    /// <summary>IPv4 and IPv6 addresses of a host.</summary>
    Task<DnsAnswer<IPAddress>> AddressesAsync(string host, CancellationToken cancel);

    /// <summary>TXT records of a name, the strings of each put together (RFC 7208 §3.3).</summary>
    Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel);
}
