using Microsoft.Extensions.Options;
using Portal.Core.Domains;

namespace Portal.Smtp.Dns;

/// <summary>Looks for the records of DKIM keys past the cache: who waits for a record that was just published is not told what was so an hour ago.</summary>
internal sealed class DnsKeyRecordLookup(IMailDns dns, IOptions<DnsOptions> options, TimeProvider clock) : IKeyRecordLookup
{
    public async Task<KeyRecordState> LookAsync(DkimRecord record, CancellationToken cancel)
    {
        using var patience = new CancellationTokenSource(options.Value.TotalTimeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancel);
        try
        {
            var answer = await dns.Live.TextsAsync(record.Name.TrimEnd('.'), limit.Token);
            return answer.Status == DnsStatus.Failed ? KeyRecordState.Failed : record.Judge(answer.Records);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return KeyRecordState.Failed;
        }
    }
}
