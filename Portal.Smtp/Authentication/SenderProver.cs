using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Smtp.Authentication.Dmarc;
using Portal.Smtp.Authentication.Spf;
using Portal.Smtp.Dns;
using Portal.Smtp.Receiving;
using Portal.Smtp.Signatures;

namespace Portal.Smtp.Authentication;

/// <summary>Finds out who sent a message: everything is asked at once, and in all no longer than one destination may take. What is not known by then is a temporary error.</summary>
internal sealed partial class SenderProver(IMailDns dns, IOptions<DnsOptions> limits, IOptions<SmtpOptions> smtp, TimeProvider clock, ILogger<SenderProver> logger)
{
    private const string TooSlow = "the DNS took too long";

    private readonly SpfEvaluator spf = new(dns, clock);
    private readonly DkimVerifier dkim = new(dns, clock);
    private readonly ArcVerifier arc = new(dns, clock);
    private readonly DmarcEvaluator dmarc = new(dns);
    private readonly ReverseNameLookup reverseNames = new(dns);

    /// <summary>Whether there is anything to find out: our own people are authenticated, and what this machine sends has no sender the world could vouch for.</summary>
    public bool Concerns(Origin origin) => !origin.IsSubmission && origin.Client is { } client && (smtp.Value.CheckLoopback || !IPAddress.IsLoopback(client));

    /// <param name="message">Header and body as they came in, read to the end.</param>
    /// <param name="contentHash">Hash of the content: the same message is sampled alike (RFC 7489 §6.6.4) however often it comes.</param>
    public async Task<SenderProof> ProveAsync(Origin origin, Envelope envelope, MessageHead head, SignedMessage message, ReadOnlyMemory<byte> contentHash)
    {
        using var limit = new CancellationTokenSource(limits.Value.TotalTimeout, clock);
        var client = origin.Client!;
        if (client.IsIPv4MappedToIPv6) client = client.MapToIPv4();
        var hello = DomainName.TryParse(origin.Hello, out var helloName) ? helloName.Value : "";
        var isOfHello = envelope.ReversePath.IsNull;
        var domain = isOfHello ? hello : DomainName.TryParse(envelope.ReversePath.Domain, out var named) ? named.Value : "";   // a literal has no record
        var question = new SpfQuestion(client, origin.Hello ?? "", isOfHello ? $"postmaster@{hello}" : envelope.ReversePath.ToString(), domain, smtp.Value.HostName);

        var spfTask = WithinAsync(spf.CheckAsync(question, limit.Token), () => new SpfResult(SpfStatus.TempError, TooSlow));
        var dkimTask = WithinAsync(dkim.VerifyAsync(message.Header, message.Body, limit.Token), () => [new DkimResult(DkimStatus.TempError, TooSlow)]);
        var arcTask = WithinAsync(arc.VerifyAsync(message.Header, message.Body, limit.Token), () => new ArcResult(ArcStatus.TempError, TooSlow));
        var reverseTask = WithinAsync(reverseNames.FindAsync(client, limit.Token), () => new ReverseNameResult(ReverseNameStatus.TempError, null, TooSlow));
        var (spfResult, dkimResults) = (await spfTask, await dkimTask);

        string[] authors = [.. head.FromAddresses.Select(DomainOf).OfType<string>().Distinct()];
        // An author whose domain can't be read may be read by the one whom the message is shown to.
        var isCut = head.IsFromCut || head.FromAddresses.Any(a => a.Contains('@', StringComparison.Ordinal) && DomainOf(a) is null);
        var proven = new ProvenDomains(
            spfResult.Status == SpfStatus.Pass ? domain : null,
            [.. dkimResults.Where(r => r is { Status: DkimStatus.Pass, IsTesting: false }).Select(r => r.Domain)],
            IsUnclear: spfResult.Status == SpfStatus.TempError || dkimResults.Any(r => r.Status == DkimStatus.TempError));
        var sample = contentHash.Span[0] * 100 / 256;
        var dmarcResult = await WithinAsync(dmarc.EvaluateAsync(authors, isCut, proven, sample, limit.Token), () => new DmarcResult(DmarcStatus.TempError, authors.FirstOrDefault() ?? "", TooSlow));
        return new SenderProof
        {
            Spf = spfResult,
            SpfDomain = domain,
            IsSpfOfHello = isOfHello,
            Dkim = dkimResults,
            Dmarc = dmarcResult,
            Arc = await arcTask,
            ReverseName = await reverseTask,
        };

        async Task<T> WithinAsync<T>(Task<T> finding, Func<T> unknown)
        {
            try
            {
                return await finding;
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                LogTooSlow(logger, envelope.QueueId, client);
                return unknown();
            }
        }
    }

    private static string? DomainOf(string address) => MailAddress.TryParse(address, out var parsed) ? parsed.Domain.Value : null;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Message {QueueId} from {Client}: the DNS took too long to tell who sent it")]
    private static partial void LogTooSlow(ILogger logger, Guid queueId, IPAddress client);
}
