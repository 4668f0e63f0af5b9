using System.Net;
using System.Net.Sockets;
using Portal.Smtp.Dns;

namespace Portal.Tests.Smtp.Dns;

/// <summary>A DNS that never answers.</summary>
internal sealed class SilentDns : IMailDns
{
    /// <summary>Done with the first question.</summary>
    public TaskCompletionSource Asked { get; } = new();

    public IMailDns Live => this;

    public Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel) => WaitAsync<MailExchanger>(cancel);

    public Task<DnsAnswer<IPAddress>> AddressesAsync(string host, AddressFamily family, CancellationToken cancel) => WaitAsync<IPAddress>(cancel);

    public Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel) => WaitAsync<string>(cancel);

    public Task<DnsAnswer<string>> PointersAsync(IPAddress address, CancellationToken cancel) => WaitAsync<string>(cancel);

    private async Task<DnsAnswer<T>> WaitAsync<T>(CancellationToken cancel)
    {
        Asked.TrySetResult();
        await Task.Delay(Timeout.Infinite, cancel);
        return DnsAnswer<T>.Failed;
    }
}
