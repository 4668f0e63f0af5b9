using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;

namespace Portal.Smtp.Dns;

/// <summary>What mail asks of the DNS, as the configured resolvers answer it; remembered for as long as the answers allow.</summary>
internal sealed class MailDns : IMailDns
{
    private readonly Func<DomainName, RecordType, CancellationToken, Task<DnsAnswer<DnsRecordBase>>> askAsync;

    public MailDns(DnsCache cache, DnsResolvers resolvers) => (askAsync, Live) = (cache.AskAsync, new MailDns(resolvers));

    private MailDns(DnsResolvers resolvers) => (askAsync, Live) = (async (name, type, cancel) => (await resolvers.AskAsync(name, type, cancel)).Answer, this);

    public IMailDns Live { get; }

    public Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel) =>
        AskAsync<MxRecord, MailExchanger>(domain, RecordType.Mx, r => new(r.Preference, HostOf(r.ExchangeDomainName)), cancel);

    public Task<DnsAnswer<IPAddress>> AddressesAsync(string host, AddressFamily family, CancellationToken cancel) =>
        AskAsync<AddressRecordBase, IPAddress>(host, family == AddressFamily.InterNetwork ? RecordType.A : RecordType.Aaaa, r => r.Address, cancel);

    public Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel) => AskAsync<TxtRecord, string>(name, RecordType.Txt, r => r.TextData, cancel);

    public Task<DnsAnswer<string>> PointersAsync(IPAddress address, CancellationToken cancel) =>
        AskAsync<PtrRecord, string>(address.GetReverseLookupAddress(), RecordType.Ptr, r => HostOf(r.PointerDomainName), cancel);

    private async Task<DnsAnswer<T>> AskAsync<TRecord, T>(string name, RecordType type, Func<TRecord, T> read, CancellationToken cancel)
        where TRecord : DnsRecordBase
    {
        if (!DomainName.TryParse(name, out var question) || question is null) return DnsAnswer<T>.NoSuchName;
        var answer = await askAsync(question, type, cancel);
        return new(answer.Status, [.. answer.Records.OfType<TRecord>().Select(read)]);
    }

    private static string HostOf(DomainName name) => name.ToString().TrimEnd('.').ToLowerInvariant();
}
