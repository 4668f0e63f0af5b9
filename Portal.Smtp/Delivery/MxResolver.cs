using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Queue;
using Portal.Smtp.Dns;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>Where to connect, in the order to try; or why nowhere.</summary>
/// <param name="Hosts">Servers, best first; empty when there is none.</param>
/// <param name="Refusal">A 5yz of ours when the destination can never take mail, a 4yz when it may later; null with hosts.</param>
internal sealed record MailHosts(IReadOnlyList<PeerAddress> Hosts, PeerReply? Refusal)
{
    public static MailHosts Never(int code, string status, string text) => new([], PeerReply.Ours(code, status, text));

    public static MailHosts Later(string status, string text) => new([], PeerReply.Ours(451, status, text));
}

/// <summary>Finds the servers of a destination: MX by preference, by chance within one; without MX the domain's own addresses; null MX (RFC 5321 §5.1, RFC 7505).</summary>
internal sealed class MxResolver(IMailDns dns, IOptions<DeliveryOptions> delivery, IOptions<DnsOptions> limits, TimeProvider clock)
{
    /// <summary>Status of our reply when the DNS answers that a smart host is not there (RFC 3463 §3.5: unable to route).</summary>
    public const string NameUnknown = "4.4.4";

    private const int MaxHosts = 20;

    /// <param name="domain">Domain in A-label form, or an address literal in brackets.</param>
    public Task<MailHosts> ForDomainAsync(string domain, CancellationToken cancel) => WithinAsync(domain, within => FindAsync(domain, within), cancel);

    /// <summary>The addresses of a smart host.</summary>
    public Task<MailHosts> ForRouteAsync(Route route, NetworkCredential? credentials, CancellationToken cancel) => WithinAsync(
        route.Host,
        async within =>
        {
            if (IPAddress.TryParse(route.Host, out var literal)) return new([Peer(route.Host, literal)], null);
            if (route.Host == "localhost") return new([Peer(route.Host, IPAddress.Loopback)], null);
            var answer = await dns.AddressesAsync(route.Host, within);
            if (answer.Records.Count > 0) return new([.. Ordered(answer.Records).Select(a => Peer(route.Host, a))], null);
            // A smart host that is not to be found is our administrator's error or the DNS's, not the recipient's: mail waits.
            return answer.Status == DnsStatus.Failed
                ? MailHosts.Later("4.4.3", $"The DNS gave no answer for the smart host {route.Host}")
                : MailHosts.Later(NameUnknown, $"The smart host {route.Host} has no address in the DNS");

            PeerAddress Peer(string host, IPAddress address) => new(host, new IPEndPoint(address, route.Port), route.Tls, credentials);
        },
        cancel);

    private async Task<MailHosts> FindAsync(string domain, CancellationToken cancel)
    {
        if (domain.StartsWith('[')) return OfLiteral(domain);

        var answer = await dns.MailExchangersAsync(domain, cancel);
        if (answer.Status == DnsStatus.Failed) return MailHosts.Later("4.4.3", $"The DNS gave no answer for the MX of {domain}");
        if (answer.Status == DnsStatus.NoSuchName) return MailHosts.Never(550, "5.1.2", $"The domain {domain} does not exist");

        // RFC 7505 §3: one MX to the root says "no mail here". Beside others such a record names nothing.
        if (answer.Records is [{ Host: "" }]) return MailHosts.Never(556, "5.1.10", $"The domain {domain} accepts no mail (null MX)");
        MailExchanger[] exchangers = [.. answer.Records.Where(r => r.Host.Length > 0)];
        if (exchangers.Length == 0) exchangers = [new(0, domain)];   // RFC 5321 §5.1: the implicit MX

        // RFC 5321 §5.1: when we are one of them, only those preferred to us are left.
        var own = exchangers.Where(r => r.Host.Equals(delivery.Value.HostName, StringComparison.OrdinalIgnoreCase)).Select(r => (int?)r.Preference).Min();
        if (own is { } ours) exchangers = [.. exchangers.Where(r => r.Preference < ours)];
        if (exchangers.Length == 0) return MailHosts.Never(554, "5.4.6", $"The MX of {domain} leads back to this server, which does not know the domain");

        return await AddressesAsync(domain, exchangers, answer.Records.Count == 0, cancel);
    }

    private async Task<MailHosts> AddressesAsync(string domain, MailExchanger[] exchangers, bool isImplicit, CancellationToken cancel)
    {
        var hosts = new List<PeerAddress>();
        var (failed, unusable) = (false, false);
        foreach (var exchanger in exchangers.OrderBy(r => r.Preference).ThenBy(_ => Random.Shared.Next()).Take(MaxHosts))
        {
            if (hosts.Count >= MaxHosts) break;
            var answer = await dns.AddressesAsync(exchanger.Host, cancel);
            failed |= answer.Status == DnsStatus.Failed;
            foreach (var address in Ordered(answer.Records))
            {
                if (IsUsable(address)) hosts.Add(Peer(exchanger.Host, address));
                else unusable = true;
            }
        }

        if (hosts.Count > 0) return new(hosts, null);
        if (failed) return MailHosts.Later("4.4.3", $"The DNS gave no address for the mail servers of {domain}");
        if (unusable) return MailHosts.Never(550, "5.4.4", $"The mail servers of {domain} have only addresses that cannot be theirs");
        return MailHosts.Never(550, isImplicit ? "5.1.2" : "5.4.4", isImplicit ? $"The domain {domain} has neither MX nor address" : $"The mail servers of {domain} have no address");
    }

    private MailHosts OfLiteral(string literal)
    {
        var text = literal.Trim('[', ']');
        if (text.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase)) text = text[5..];
        if (!IPAddress.TryParse(text, out var address)) return MailHosts.Never(550, "5.1.2", $"{literal} is no address");
        return IsUsable(address) ? new([Peer(literal, address)], null) : MailHosts.Never(550, "5.4.4", $"{literal} is not an address of another server");
    }

    private PeerAddress Peer(string host, IPAddress address) => new(host, new IPEndPoint(address, delivery.Value.Port), RouteTls.Opportunistic);

    // IPv6 first, as RFC 6724 §6 prefers it; by chance within a family (RFC 5321 §5.1 asks for it among equals).
    private static IEnumerable<IPAddress> Ordered(IReadOnlyList<IPAddress> addresses) =>
        addresses.Where(a => a.AddressFamily == AddressFamily.InterNetwork || Socket.OSSupportsIPv6).OrderBy(a => a.AddressFamily == AddressFamily.InterNetwork).ThenBy(_ => Random.Shared.Next());

    /// <summary>No foreign MX is on this machine's loopback, nowhere, or everywhere.</summary>
    private bool IsUsable(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address)) return delivery.Value.AllowLoopback;
        if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || address.IsIPv6Multicast) return false;
        return address.AddressFamily != AddressFamily.InterNetwork || address.GetAddressBytes()[0] is > 0 and < 224;   // 0/8 and 224/3: nobody's
    }

    private async Task<MailHosts> WithinAsync(string name, Func<CancellationToken, Task<MailHosts>> find, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(limits.Value.TotalTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            return await find(either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return MailHosts.Later("4.4.3", string.Create(CultureInfo.InvariantCulture, $"The DNS took more than {limits.Value.TotalTimeout.TotalSeconds} s for {name}"));
        }
    }
}
