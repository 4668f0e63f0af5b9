using System.Net;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Portal.Smtp.Delivery;

/// <summary>The DNS as the configured resolvers answer it, over UDP, and over TCP when an answer is too large for that.</summary>
internal sealed partial class MailDns : IMailDns, IDisposable
{
    private readonly List<(IPEndPoint Server, DnsClient Client)> resolvers;
    private readonly TimeSpan timeout;
    private readonly ILogger<MailDns> logger;

    public MailDns(IOptions<DnsOptions> options, ILogger<MailDns> logger)
    {
        (timeout, this.logger) = (options.Value.LookupTimeout, logger);
        var servers = options.Value.Servers.Select(s => DnsOptions.TryParseServer(s, out var server) ? server : throw new FormatException(s)).ToList();
        if (servers.Count == 0) servers = [.. DnsClient.GetLocalConfiguredDnsServers().Where(a => a.ScopeIdOrZero() == 0).Select(a => new IPEndPoint(a, 53))];
        var share = (int)Math.Max(100, timeout.TotalMilliseconds / Math.Max(1, servers.Count));
        resolvers = servers.ConvertAll(s => (s, new DnsClient([s.Address], [new UdpClientTransport(s.Port), new TcpClientTransport(s.Port)], true, share) { IsResponseValidationEnabled = true }));
    }

    public async Task<DnsAnswer<MailExchanger>> MailExchangersAsync(string domain, CancellationToken cancel)
    {
        var answer = await AskAsync(domain, RecordType.Mx, cancel);
        return new(answer.Status, [.. answer.Records.OfType<MxRecord>().Select(r => new MailExchanger(r.Preference, HostOf(r.ExchangeDomainName)))]);
    }

    public async Task<DnsAnswer<IPAddress>> AddressesAsync(string host, CancellationToken cancel)
    {
        var four = AskAsync(host, RecordType.A, cancel);
        var six = AskAsync(host, RecordType.Aaaa, cancel);
        DnsAnswer<DnsRecordBase>[] answers = [await four, await six];
        IPAddress[] found = [.. answers.SelectMany(a => a.Records).OfType<AddressRecordBase>().Select(r => r.Address)];

        // One family's answer will do; "no such name" counts only when nothing failed.
        if (found.Length > 0) return DnsAnswer<IPAddress>.Of(found);
        if (answers.Any(a => a.Status == DnsStatus.Failed)) return DnsAnswer<IPAddress>.Failed;
        return answers.All(a => a.Status == DnsStatus.NoSuchName) ? DnsAnswer<IPAddress>.NoSuchName : DnsAnswer<IPAddress>.Of();
    }

    public async Task<DnsAnswer<string>> TextsAsync(string name, CancellationToken cancel)
    {
        var answer = await AskAsync(name, RecordType.Txt, cancel);
        return new(answer.Status, [.. answer.Records.OfType<TxtRecord>().Select(r => r.TextData)]);
    }

    public void Dispose()
    {
        foreach (var (_, client) in resolvers) ((IDisposable)client).Dispose();
    }

    private static string HostOf(DomainName name) => name.ToString().TrimEnd('.').ToLowerInvariant();

    private async Task<DnsAnswer<DnsRecordBase>> AskAsync(string name, RecordType type, CancellationToken cancel)
    {
        if (!DomainName.TryParse(name, out var question) || question is null) return DnsAnswer<DnsRecordBase>.NoSuchName;

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout);
        foreach (var (server, client) in resolvers)
        {
            DnsMessage? reply = null;
            try
            {
                reply = await client.ResolveAsync(question, type, RecordClass.INet, null, limit.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                LogNoAnswer(logger, server, name, type);
                break;
            }

            // Whatever is no answer of its own (SERVFAIL, REFUSED, silence) is the next resolver's turn.
            switch (reply?.ReturnCode)
            {
                case ReturnCode.NoError:
                    return DnsAnswer<DnsRecordBase>.Of([.. reply.AnswerRecords]);
                case ReturnCode.NxDomain:
                    return DnsAnswer<DnsRecordBase>.NoSuchName;
                default:
                    LogBadAnswer(logger, server, name, type, reply?.ReturnCode.ToString() ?? "none");
                    break;
            }
        }

        return DnsAnswer<DnsRecordBase>.Failed;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Resolver {Server} did not answer in time for {Name} {Type}")]
    private static partial void LogNoAnswer(ILogger logger, IPEndPoint server, string name, RecordType type);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Resolver {Server} gave no answer for {Name} {Type}: {Code}")]
    private static partial void LogBadAnswer(ILogger logger, IPEndPoint server, string name, RecordType type, string code);
}

file static class AddressScope
{
    /// <summary>Link-local resolvers carry an interface, which the client can't address.</summary>
    public static long ScopeIdOrZero(this IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? address.ScopeId : 0;
}
