using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Portal.Smtp.Dns;

namespace Portal.Tests.Smtp.Dns;

/// <summary>A DNS that knows what the test tells it; every other name does not exist.</summary>
internal sealed class FakeDns : IMailDns
{
    private readonly ConcurrentDictionary<string, DnsAnswer<MailExchanger>> exchangers = [];
    private readonly ConcurrentDictionary<string, DnsAnswer<IPAddress>> addresses = [];
    private readonly ConcurrentDictionary<string, DnsAnswer<string>> texts = [];
    private readonly ConcurrentDictionary<IPAddress, DnsAnswer<string>> pointers = [];

    public IMailDns Live => this;

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
        if (IPAddress.TryParse(name, out var address)) pointers[address] = DnsAnswer<string>.Failed;
        return this;
    }

    public FakeDns Text(string name, params string[] found)
    {
        texts[name] = DnsAnswer<string>.Of(found);
        return this;
    }

    public FakeDns PointTo(string address, params string[] found)
    {
        pointers[IPAddress.Parse(address)] = DnsAnswer<string>.Of(found);
        return this;
    }

    public Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel) =>
        Task.FromResult(texts.TryGetValue(name, out var answer) ? answer : DnsAnswer<string>.NoSuchName);

    public Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel) =>
        Task.FromResult(exchangers.TryGetValue(domain, out var answer) ? answer : DnsAnswer<MailExchanger>.NoSuchName);

    public Task<DnsAnswer<IPAddress>> AddressesAsync(string host, AddressFamily family, CancellationToken cancel) =>
        Task.FromResult(addresses.TryGetValue(host, out var answer) ? answer with { Records = [.. answer.Records.Where(a => a.AddressFamily == family)] } : DnsAnswer<IPAddress>.NoSuchName);

    public Task<DnsAnswer<string>> PointersAsync(IPAddress address, CancellationToken cancel) =>
        Task.FromResult(pointers.TryGetValue(address, out var answer) ? answer : DnsAnswer<string>.NoSuchName);
}
