using System.Collections.Concurrent;
using Portal.Smtp.Dns;

namespace Portal.Smtp.Signatures;

/// <summary>Keys out of the DNS for one message: each name is asked for once.</summary>
internal sealed class KeyLookup(IMailDns dns)
{
    private readonly ConcurrentDictionary<string, Task<DkimKeyRecord>> asked = new(StringComparer.Ordinal);

    /// <summary>The key of a selector; with a fault when there is none.</summary>
    public Task<DkimKeyRecord> FindAsync(string selector, string domain, CancellationToken cancel) =>
        asked.GetOrAdd(DkimName.KeyName(selector, domain), name => AskAsync(name, cancel));

    private async Task<DkimKeyRecord> AskAsync(string name, CancellationToken cancel)
    {
        var answer = await dns.TextsAsync(name, cancel);
        return answer.Status switch
        {
            DnsStatus.Failed => DkimKeyRecord.Faulty(SignatureFault.DnsFailed),
            DnsStatus.NoSuchName => DkimKeyRecord.Faulty(SignatureFault.NoKey),
            _ => DkimKeyRecord.Choose(answer.Records),
        };
    }
}
