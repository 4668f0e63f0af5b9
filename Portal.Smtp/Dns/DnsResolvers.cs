using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Portal.Smtp.Dns;

/// <summary>An answer, and for how long it holds.</summary>
internal readonly record struct TimedAnswer(DnsAnswer<DnsRecordBase> Answer, TimeSpan HoldsFor);

/// <summary>The resolvers we ask, over UDP, and over TCP when an answer is too large for that. So many questions at once, each with its time.</summary>
internal sealed partial class DnsResolvers : IDisposable
{
    /// <summary>Questions under way at once; one more waits, as long as any question may.</summary>
    private const int MaxQuestions = 1000;

    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestHeld = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestMissing = TimeSpan.FromMinutes(5);   // RFC 2308 §5 allows more; who publishes a record meanwhile would wait for it

    private readonly List<(IPEndPoint Server, DnsClient Client)> resolvers;
    private readonly SemaphoreSlim turns = new(MaxQuestions);
    private readonly TimeProvider clock;
    private readonly TimeSpan timeout;
    private readonly ILogger<DnsResolvers> logger;
    private long warnedAt;
    private int failed;

    public DnsResolvers(IOptions<DnsOptions> options, TimeProvider clock, ILogger<DnsResolvers> logger)
    {
        (timeout, this.clock, this.logger) = (options.Value.LookupTimeout, clock, logger);
        var servers = options.Value.Servers.Select(s => DnsOptions.TryParseServer(s, out var server) ? server : throw new FormatException(s)).ToList();
        if (servers.Count == 0) servers = [.. DnsClient.GetLocalConfiguredDnsServers().Where(CanBeAsked).Select(a => new IPEndPoint(a, 53))];
        var share = (int)Math.Max(100, timeout.TotalMilliseconds / Math.Max(1, servers.Count));
        resolvers = servers.ConvertAll(s => (s, new DnsClient([s.Address], [new UdpClientTransport(s.Port), new TcpClientTransport(s.Port)], true, share) { IsResponseValidationEnabled = true }));
    }

    /// <summary>Asks one resolver after another until one answers; <see cref="DnsStatus.Failed"/>, which never holds, when none does in time.</summary>
    public async Task<TimedAnswer> AskAsync(DomainName name, RecordType type, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout);
        try
        {
            await turns.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            LogNoTurn(logger, MaxQuestions, name, type);
            return new(DnsAnswer<DnsRecordBase>.Failed, TimeSpan.Zero);
        }

        try
        {
            return await AskInTurnAsync(name, type, limit.Token, cancel);
        }
        finally
        {
            turns.Release();
        }
    }

    public void Dispose()
    {
        foreach (var (_, client) in resolvers) ((IDisposable)client).Dispose();
        turns.Dispose();
    }

    private async Task<TimedAnswer> AskInTurnAsync(DomainName name, RecordType type, CancellationToken limit, CancellationToken cancel)
    {
        foreach (var (server, client) in resolvers)
        {
            DnsMessage? reply = null;
            try
            {
                reply = await client.ResolveAsync(name, type, RecordClass.INet, null, limit);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                LogNoAnswer(logger, server, name, type);
                break;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogUnreadable(logger, server, name, type, e);   // whatever a server sends is no fault of the message that asks
                continue;
            }

            // Whatever is no answer of its own (SERVFAIL, REFUSED, silence) is the next resolver's turn.
            switch (reply?.ReturnCode)
            {
                case ReturnCode.NoError when !reply.IsTruncated:   // what TCP would not bring either is no answer
                    var records = RecordsOf(reply, name, type);
                    return new(DnsAnswer<DnsRecordBase>.Of(records), records.Count > 0 ? Shortest(reply.AnswerRecords) : OfMissing(reply));
                case ReturnCode.NxDomain:
                    return new(DnsAnswer<DnsRecordBase>.NoSuchName, OfMissing(reply));
                default:
                    LogBadAnswer(logger, server, name, type, reply?.ReturnCode.ToString() ?? "none");
                    break;
            }
        }

        Warn();
        return new(DnsAnswer<DnsRecordBase>.Failed, TimeSpan.Zero);
    }

    /// <summary>Tells now and then how many questions failed: a resolver of ours that is down must be seen, and strangers' broken names must not fill the log.</summary>
    private void Warn()
    {
        var count = Interlocked.Increment(ref failed);
        var last = Interlocked.Read(ref warnedAt);
        if (last != 0 && clock.GetElapsedTime(last) < BetweenWarnings) return;
        if (Interlocked.CompareExchange(ref warnedAt, clock.GetTimestamp(), last) == last) LogFailed(logger, count, string.Join(", ", resolvers.Select(r => r.Server)));
    }

    /// <summary>What belongs to the name that was asked for, or to one it is an alias of; an answer about anything else is none.</summary>
    private static List<DnsRecordBase> RecordsOf(DnsMessage reply, DomainName name, RecordType type)
    {
        var names = new HashSet<DomainName> { name };
        foreach (var alias in reply.AnswerRecords.OfType<CNameRecord>())
            if (names.Contains(alias.Name)) names.Add(alias.CanonicalName);
        return [.. reply.AnswerRecords.Where(r => r.RecordType == type && names.Contains(r.Name))];
    }

    private static TimeSpan Shortest(List<DnsRecordBase> records) => Between(records.Min(r => r.TimeToLive), LongestHeld);

    // RFC 2308 §5: the SOA beside the answer says for how long nothing is there; without one it is not to be kept.
    private static TimeSpan OfMissing(DnsMessage reply) =>
        reply.AuthorityRecords.OfType<SoaRecord>().FirstOrDefault() is { } soa ? Between(Math.Min(soa.TimeToLive, soa.NegativeCachingTTL), LongestMissing) : TimeSpan.Zero;

    private static TimeSpan Between(int seconds, TimeSpan most) => seconds <= 0 ? TimeSpan.Zero : seconds >= most.TotalSeconds ? most : TimeSpan.FromSeconds(seconds);

    // Link-local resolvers carry an interface, which the client can't address.
    private static bool CanBeAsked(IPAddress address) => address.AddressFamily != AddressFamily.InterNetworkV6 || address.ScopeId == 0;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} questions to the DNS have failed since the start (resolvers {Servers}); each is told at level Debug")]
    private static partial void LogFailed(ILogger logger, int count, string servers);

    // Names are strangers': one message can ask for many that fail, so none of these is a warning.
    [LoggerMessage(Level = LogLevel.Debug, Message = "Resolver {Server} did not answer in time for {Name} {Type}")]
    private static partial void LogNoAnswer(ILogger logger, IPEndPoint server, DomainName name, RecordType type);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Resolver {Server} sent what can't be read for {Name} {Type}")]
    private static partial void LogUnreadable(ILogger logger, IPEndPoint server, DomainName name, RecordType type, Exception error);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Resolver {Server} gave no answer for {Name} {Type}: {Code}")]
    private static partial void LogBadAnswer(ILogger logger, IPEndPoint server, DomainName name, RecordType type, string code);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} questions to the DNS were under way, none for {Name} {Type}")]
    private static partial void LogNoTurn(ILogger logger, int count, DomainName name, RecordType type);
}
