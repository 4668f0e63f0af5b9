using System.Net;
using System.Net.Sockets;
using Portal.Core.Domains;
using Portal.Smtp.Dns;
using Portal.Web.Components.Shared;

namespace Portal.Web.Admin.Domains;

/// <summary>What a record is for.</summary>
internal enum RecordKind
{
    Mx,

    /// <summary>The MX of a relayed domain: others beside ours are as they should be.</summary>
    RelayMx,
    Spf,
    Dkim,
    Dmarc,
    MtaSts,

    /// <summary>The name under which senders fetch the MTA-STS policy.</summary>
    MtaStsHost,
    TlsRpt,
}

/// <summary>A record that should be published.</summary>
/// <param name="Kind">Suffix of the keys "Record_…" and "Why_…".</param>
/// <param name="Name">A-label form, with the dot at its end.</param>
internal sealed record WantedRecord(RecordKind Kind, string Name, string Type, string Value);

/// <summary>What the DNS answers now: <see cref="Status.Published"/>, <see cref="Status.Different"/>, <see cref="Status.Missing"/> or <see cref="Status.NotAsked"/>.</summary>
/// <param name="Why">Suffix of the key "Why_…" that says it in words; null where it is just as it should be.</param>
/// <param name="Detail">For the hole of those words.</param>
internal sealed record FoundRecord(Status Status, IReadOnlyList<string> Values, string? Why = null, string Detail = "")
{
    public static readonly FoundRecord Missing = new(Status.Missing, [], "Missing");

    public static readonly FoundRecord NotAsked = new(Status.NotAsked, [], "NotAsked");

    public static FoundRecord Different(IReadOnlyList<string> values, string why, string detail = "") => new(Status.Different, values, why, detail);
}

/// <summary>The records of a domain as they should be, and as they are.</summary>
internal static class PublishedRecords
{
    /// <summary>The records to publish for a domain, an alias domain like any other.</summary>
    /// <param name="domain">A-label form.</param>
    /// <param name="host">The name this system shows the world; A-label form.</param>
    /// <param name="onward">Where its mail goes. Of a relayed domain only the MX is ours to ask for; the other host of a shared one sends too.</param>
    /// <param name="policy">The MTA-STS policy that is served; null for none.</param>
    /// <param name="keys">Those that sign, will sign or have signed mail that is still under way have a record; retired ones do not.</param>
    public static IReadOnlyList<WantedRecord> Of(string domain, string host, Onward onward, MtaStsPolicy? policy, IEnumerable<DkimKeyRow> keys) =>
        onward.Kind == DomainKind.Relayed ? [new(RecordKind.RelayMx, domain + ".", "MX", $"20 {host}.")] :
    [
        // RFC 5321 §5.1: the MX names a host. RFC 7208 §4.6.1: "mx" allows the hosts the MX names, "-all" nobody else.
        new(RecordKind.Mx, domain + ".", "MX", $"10 {host}."),
        new(RecordKind.Spf, domain + ".", "TXT", $"v=spf1 mx{OtherSender(onward)} -all"),
        .. keys.Where(k => k.State != DkimKeyState.Retired).OrderBy(k => k.State).ThenBy(k => k.Algorithm).Select(k => new WantedRecord(RecordKind.Dkim, k.Record.Name, "TXT", k.Record.Value)),
        // RFC 7489 §6.3, RFC 8460 §3. The postmaster is there in every domain.
        new(RecordKind.Dmarc, $"_dmarc.{domain}.", "TXT", $"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}"),
        .. policy is null ? (WantedRecord[])[] :
        [
            new(RecordKind.MtaSts, $"_mta-sts.{domain}.", "TXT", policy.Record),
            new(RecordKind.MtaStsHost, $"{MtaStsPolicy.HostPrefix}{domain}.", "CNAME", $"{host}."),
        ],
        new(RecordKind.TlsRpt, $"_smtp._tls.{domain}.", "TXT", $"v=TLSRPTv1; rua=mailto:postmaster@{domain}"),
    ];

    // RFC 7208 §5.3, §5.6.
    private static string OtherSender(Onward onward) => onward.Host is not { } other ? ""
        : !IPAddress.TryParse(other, out var address) ? $" a:{other}"
        : $" {(address.AddressFamily == AddressFamily.InterNetwork ? "ip4" : "ip6")}:{address}";

    /// <summary>Asks for one of them.</summary>
    public static async Task<FoundRecord> FindAsync(IMailDns dns, WantedRecord wanted, CancellationToken cancel)
    {
        var name = wanted.Name.TrimEnd('.');
        switch (wanted.Kind)
        {
            case RecordKind.Mx or RecordKind.RelayMx:
                var exchangers = await dns.MailExchangersAsync(name, cancel);
                return exchangers.Status == DnsStatus.Failed ? FoundRecord.NotAsked : RecordJudge.Mx(wanted, exchangers.Records);
            case RecordKind.MtaStsHost:
                var (asked, own) = (dns.AddressesAsync(name, cancel), dns.AddressesAsync(RecordJudge.HostOf(wanted.Value), cancel));
                var (found, ours) = (await asked, await own);
                return found.Status == DnsStatus.Failed || ours.Status == DnsStatus.Failed ? FoundRecord.NotAsked : RecordJudge.Host(wanted.Value, found.Records, ours.Records);
            default:
                var texts = await dns.TextsAsync(name, cancel);
                return texts.Status == DnsStatus.Failed ? FoundRecord.NotAsked : RecordJudge.Text(wanted, texts.Records);
        }
    }
}
