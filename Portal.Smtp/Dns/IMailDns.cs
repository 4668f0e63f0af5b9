using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Portal.Smtp.Dns;

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
    /// <summary>The same past the cache, for who looks at what the DNS says now.</summary>
    IMailDns Live { get; }

    /// <summary>MX records of a domain in A-label form.</summary>
    Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel);

    /// <summary>Addresses of one family of a host.</summary>
    Task<DnsAnswer<IPAddress>> AddressesAsync(string host, AddressFamily family, CancellationToken cancel);

    /// <summary>TXT records of a name, the strings of each put together (RFC 7208 §3.3).</summary>
    Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel);

    /// <summary>Host names that an address points at (RFC 1035 §3.5).</summary>
    Task<DnsAnswer<string>> PointersAsync(IPAddress address, CancellationToken cancel);
}

public static class MailDnsExtensions
{
    /// <summary>IPv4 and IPv6 addresses of a host.</summary>
    public static async Task<DnsAnswer<IPAddress>> AddressesAsync(this IMailDns dns, string host, CancellationToken cancel)
    {
        var four = dns.AddressesAsync(host, AddressFamily.InterNetwork, cancel);
        var six = dns.AddressesAsync(host, AddressFamily.InterNetworkV6, cancel);
        DnsAnswer<IPAddress>[] answers = [await four, await six];
        IPAddress[] found = [.. answers.SelectMany(a => a.Records)];

        // One family's answer will do; "no such name" counts only when nothing failed.
        if (found.Length > 0) return DnsAnswer<IPAddress>.Of(found);
        if (answers.Any(a => a.Status == DnsStatus.Failed)) return DnsAnswer<IPAddress>.Failed;
        return answers.All(a => a.Status == DnsStatus.NoSuchName) ? DnsAnswer<IPAddress>.NoSuchName : DnsAnswer<IPAddress>.Of();
    }
}
