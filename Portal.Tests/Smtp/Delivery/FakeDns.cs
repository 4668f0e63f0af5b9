using System.Collections.Concurrent;
using System.Net;
using Portal.Smtp.Delivery;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>A DNS that knows what the test tells it; every other name does not exist.</summary>
internal sealed class FakeDns : IMailDns
{
    private readonly ConcurrentDictionary<string, DnsAnswer<MailExchanger>> exchangers = [];
    private readonly ConcurrentDictionary<string, DnsAnswer<IPAddress>> addresses = [];
    private readonly ConcurrentDictionary<string, DnsAnswer<string>> texts = [];

    public FakeDns Mx(string domain, params (int Preference, string Host)[] hosts)
    {
        exchangers[domain] = DnsAnswer<MailExchanger>.Of([.. hosts.Select(h => new MailExchanger(h.Preference, h.Host))]);
        return this;
    }

    public FakeDns Host(string host, params string[] found)
    {
        addresses[host] = DnsAnswer<IPAddress>.Of([.. found.Select(IPAddress.Parse)]);
        exchangers.TryAdd(host, DnsAnswer<MailExchanger>.Of());
        return this;
    }

    /// <summary>A domain whose one mail server has this address.</summary>
    public FakeDns MailTo(string domain, string address = "127.0.0.1") => Mx(domain, (10, $"mx.{domain}")).Host($"mx.{domain}", address);

    public FakeDns Fail(string name)
    {
        exchangers[name] = DnsAnswer<MailExchanger>.Failed;
        addresses[name] = DnsAnswer<IPAddress>.Failed;
        texts[name] = DnsAnswer<string>.Failed;
        return this;
    }

    public FakeDns Text(string name, params string[] found)
    {
        texts[name] = DnsAnswer<string>.Of(found);
        return this;
    }

    public Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel) =>
        Task.FromResult(texts.TryGetValue(name, out var answer) ? answer : DnsAnswer<string>.NoSuchName);

    public Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel) =>
        Task.FromResult(exchangers.TryGetValue(domain, out var answer) ? answer : DnsAnswer<MailExchanger>.NoSuchName);

    public Task<DnsAnswer<IPAddress>> AddressesAsync(string host, CancellationToken cancel) =>
        Task.FromResult(addresses.TryGetValue(host, out var answer) ? answer : DnsAnswer<IPAddress>.NoSuchName);
}
