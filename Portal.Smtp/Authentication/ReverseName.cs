using System.Net;
using Portal.Smtp.Dns;

namespace Portal.Smtp.Authentication;

/// <summary>How a client's address and its name agree (RFC 8601 §2.7.3).</summary>
internal enum ReverseNameStatus
{
    Pass,
    Fail,
    TempError,
    PermError,
}

/// <param name="Name">The name that leads back to the address; null for none.</param>
internal readonly record struct ReverseNameResult(ReverseNameStatus Status, string? Name, string Reason);

/// <summary>iprev: whether the client's address has a name that has the address (RFC 8601 §3).</summary>
internal sealed class ReverseNameLookup(IMailDns dns)
{
    /// <summary>More names than this nobody needs; a list without end would be asked for without end.</summary>
    private const int MaxNames = 5;

    public async Task<ReverseNameResult> FindAsync(IPAddress client, CancellationToken cancel)
    {
        var pointers = await dns.PointersAsync(client, cancel);
        if (pointers.Status == DnsStatus.Failed) return new(ReverseNameStatus.TempError, null, "the DNS gave no answer for the name of the address");
        if (pointers.Records.Count == 0) return new(ReverseNameStatus.PermError, null, "the address has no name");

        var hasFailed = false;
        foreach (var name in pointers.Records.Take(MaxNames))
        {
            var addresses = await dns.AddressesAsync(name, client.AddressFamily, cancel);
            if (addresses.Records.Contains(client)) return new(ReverseNameStatus.Pass, name, "");
            hasFailed |= addresses.Status == DnsStatus.Failed;
        }

        return hasFailed
            ? new(ReverseNameStatus.TempError, null, "the DNS gave no answer for the address of the name")
            : new(ReverseNameStatus.Fail, null, "no name of the address leads back to it");
    }
}
