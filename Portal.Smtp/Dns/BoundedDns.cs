using System.Net;
using System.Net.Sockets;

namespace Portal.Smtp.Dns;

/// <summary>The DNS for one message: a few questions at once, and so many in all, that none takes the turns of others. Past them nothing is known.</summary>
internal sealed class BoundedDns(IMailDns dns) : IMailDns, IDisposable
{
    private const int MaxAtOnce = 8;

    /// <summary>What the limits of SPF allow at their worst (RFC 7208 §4.6.4: ten terms of eleven questions), and keys and names beside it.</summary>
    private const int MaxQuestions = 180;

    private readonly SemaphoreSlim turns = new(MaxAtOnce);
    private int asked;

    public IMailDns Live => this;

    public Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel) => AskAsync(() => dns.MailExchangersAsync(domain, cancel), cancel);

    public Task<DnsAnswer<IPAddress>> AddressesAsync(string host, AddressFamily family, CancellationToken cancel) => AskAsync(() => dns.AddressesAsync(host, family, cancel), cancel);

    public Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel) => AskAsync(() => dns.TextsAsync(name, cancel), cancel);

    public Task<DnsAnswer<string>> PointersAsync(IPAddress address, CancellationToken cancel) => AskAsync(() => dns.PointersAsync(address, cancel), cancel);

    public void Dispose() => turns.Dispose();

    private async Task<DnsAnswer<T>> AskAsync<T>(Func<Task<DnsAnswer<T>>> ask, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref asked) > MaxQuestions) return DnsAnswer<T>.Failed;
        await turns.WaitAsync(cancel);
        try
        {
            return await ask();
        }
        finally
        {
            turns.Release();
        }
    }
}
