using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Smtp.Authentication.Dmarc;
using Portal.Smtp.Authentication.Spf;
using Portal.Smtp.Dns;
using Portal.Smtp.Receiving;
using Portal.Smtp.Signatures;

namespace Portal.Smtp.Authentication;

/// <summary>Finds out who sent a message: everything is asked at once, and in all no longer than one destination may take. What is not known by then is a temporary error.</summary>
internal sealed partial class SenderProver(IMailDns resolver, SecretBox secrets, IOptions<DnsOptions> limits, IOptions<SmtpOptions> smtp, TimeProvider clock, ILogger<SenderProver> logger)
{
    private const string TooSlow = "the DNS took too long";

    // Whom pct takes is nothing a sender can try out beforehand.
    private readonly byte[] sampleKey = secrets.Derive("dmarc-sample");

    /// <summary>Whether there is anything to find out: our own people are authenticated, and what this machine sends has no sender the world could vouch for.</summary>
    public bool Concerns(Origin origin) => !origin.IsSubmission && origin.Client is { } client && (smtp.Value.CheckLoopback || !IPAddress.IsLoopback(client));

    /// <param name="message">Header and body as they came in, read to the end.</param>
    /// <param name="contentHash">Hash of the content: the same message is sampled alike (RFC 7489 §6.6.4) however often it comes.</param>
    public async Task<SenderProof> ProveAsync(Origin origin, Envelope envelope, MessageHead head, SignedMessage message, ReadOnlyMemory<byte> contentHash)
    {
        using var limit = new CancellationTokenSource(limits.Value.TotalTimeout, clock);
        // The policy has time of its own behind it: who makes SPF slow does not make the policy unknown.
        using var policyLimit = new CancellationTokenSource(limits.Value.TotalTimeout + limits.Value.LookupTimeout * 2, clock);
        using var dns = new BoundedDns(resolver);
        var client = origin.Client!;
        if (client.IsIPv4MappedToIPv6) client = client.MapToIPv4();
        var hello = DomainName.TryParse(origin.Hello, out var helloName) ? helloName.Value : "";
        var isOfHello = envelope.ReversePath.IsNull;
        var domain = isOfHello ? hello : DomainName.TryParse(envelope.ReversePath.Domain, out var named) ? named.Value : "";   // a literal has no record
        var question = new SpfQuestion(client, origin.Hello ?? "", isOfHello ? $"postmaster@{hello}" : envelope.ReversePath.ToString(), domain, smtp.Value.HostName);

        var spfTask = WithinAsync(new SpfEvaluator(dns, clock).CheckAsync(question, limit.Token), () => new SpfResult(SpfStatus.TempError, TooSlow));
        var dkimTask = WithinAsync(new DkimVerifier(dns, clock).VerifyAsync(message.Header, message.Body, limit.Token), () => [new DkimResult(DkimStatus.TempError, TooSlow)]);
        var arcTask = WithinAsync(new ArcVerifier(dns, clock).VerifyAsync(message.Header, message.Body, limit.Token), () => new ArcResult(ArcStatus.TempError, TooSlow));
        var reverseTask = WithinAsync(new ReverseNameLookup(dns).FindAsync(client, limit.Token), () => new ReverseNameResult(ReverseNameStatus.TempError, null, TooSlow));
        var (spfResult, dkimResults) = (await spfTask, await dkimTask);

        string[] authors = [.. head.FromAddresses.Select(DomainOf).OfType<string>().Distinct()];
        // An author whose domain can't be read may be read by the one whom the message is shown to.
        var isCut = head.IsFromCut || head.FromAddresses.Any(a => (a.Contains('@', StringComparison.Ordinal) || a.Contains("=?", StringComparison.Ordinal)) && DomainOf(a) is null);
        var proven = new ProvenDomains(
            spfResult.Status == SpfStatus.Pass ? domain : null,
            [.. dkimResults.Where(r => r is { Status: DkimStatus.Pass, IsTesting: false, HasUnsignedBody: false }).Select(r => r.Domain)],   // RFC 6376 §8.2: anybody may have added the rest
            [.. dkimResults.Where(r => r.Status == DkimStatus.TempError).Select(r => r.Domain), .. spfResult.Status == SpfStatus.TempError ? new[] { domain } : []]);
        var sample = BinaryPrimitives.ReadUInt16BigEndian(HMACSHA256.HashData(sampleKey, contentHash.Span)) % 100;
        var dmarcResult = await WithinAsync(new DmarcEvaluator(dns).EvaluateAsync(authors, isCut, proven, sample, policyLimit.Token), () => new DmarcResult(DmarcStatus.TempError, authors.FirstOrDefault() ?? "", TooSlow));
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
            catch (OperationCanceledException)
            {
                LogTooSlow(logger, envelope.QueueId, client);
                return unknown();
            }
        }
    }

    /// <summary>What stands behind the last @, in A-label form; an underscore is no part of a host's name and stands in authors' domains all the same.</summary>
    private static string? DomainOf(string address) => address.LastIndexOf('@') is >= 0 and var at ? DkimName.Read(address[(at + 1)..]) : null;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Message {QueueId} from {Client}: the DNS took too long to tell who sent it")]
    private static partial void LogTooSlow(ILogger logger, Guid queueId, IPAddress client);
}
