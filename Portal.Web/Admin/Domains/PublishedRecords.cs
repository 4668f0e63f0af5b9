using Portal.Core.Domains;
using Portal.Smtp.Dns;
using Portal.Web.Components.Shared;

namespace Portal.Web.Admin.Domains;

/// <summary>A record that should be published.</summary>
/// <param name="Kind">Suffix of the keys "Record_…" and "Why_…".</param>
internal sealed record WantedRecord(string Kind, string Name, string Type, string Value);

/// <summary>What the DNS answers now: <see cref="Status.Published"/>, <see cref="Status.Different"/>, <see cref="Status.Missing"/> or <see cref="Status.NotAsked"/>.</summary>
internal sealed record FoundRecord(Status Status, IReadOnlyList<string> Values);

/// <summary>The records of a domain as they should be, and as they are.</summary>
internal static class PublishedRecords
{
    private const string Dkim = "Dkim";

    // RFC 5321 §5.1: the MX names a host. RFC 7208 §4.6.1: "mx" allows the hosts the MX names, "-all" nobody else.
    public static IReadOnlyList<WantedRecord> Of(string domain, string host) =>
    [
        new("Mx", domain + ".", "MX", $"10 {host}."),
        new("Spf", domain + ".", "TXT", "v=spf1 mx -all"),
    ];

    /// <summary>The records of keys that sign, will sign or have signed mail that is still under way.</summary>
    public static IEnumerable<WantedRecord> Of(IEnumerable<DkimKeyRow> keys) =>
        keys.Where(k => k.State != DkimKeyState.Retired).OrderBy(k => k.State).ThenBy(k => k.Algorithm).Select(k => new WantedRecord(Dkim, k.Record.Name, "TXT", k.Record.Value));

    /// <summary>Asks for one of them.</summary>
    public static async Task<FoundRecord> FindAsync(IMailDns dns, WantedRecord wanted, CancellationToken cancel)
    {
        var name = wanted.Name.TrimEnd('.');
        if (wanted.Type == "MX")
        {
            var exchangers = await dns.MailExchangersAsync(name, cancel);
            // The preference is a matter of taste; another host beside ours is not.
            return Judge(exchangers.Status, [.. exchangers.Records.OrderBy(m => m.Preference).Select(m => $"{m.Preference} {m.Host}.")], value => HostOf(value).Equals(HostOf(wanted.Value), StringComparison.OrdinalIgnoreCase), mayBeMany: true);
        }

        var texts = await dns.TextsAsync(name, cancel);
        if (wanted.Kind == Dkim) return new(texts.Status == DnsStatus.Failed ? Status.NotAsked : Statuses.Of(new DkimRecord(wanted.Name, wanted.Value).Judge(texts.Records)), texts.Records);
        return Judge(texts.Status, [.. texts.Records.Where(IsSpf)], value => Words(value).SequenceEqual(Words(wanted.Value), StringComparer.OrdinalIgnoreCase), mayBeMany: false);
    }

    private static FoundRecord Judge(DnsStatus status, IReadOnlyList<string> values, Func<string, bool> isWanted, bool mayBeMany) => status switch
    {
        DnsStatus.Failed => new(Status.NotAsked, []),
        _ when values.Count == 0 => new(Status.Missing, []),
        // RFC 7208 §4.5: two SPF records are an error, though both be right.
        _ => new(values.All(isWanted) && (mayBeMany || values.Count == 1) ? Status.Published : Status.Different, values),
    };

    // RFC 7208 §4.5: the version, and a space or nothing behind it; another TXT record is not ours to judge.
    private static bool IsSpf(string text) => Words(text) is [var first, ..] && first.Equals("v=spf1", StringComparison.OrdinalIgnoreCase);

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string HostOf(string exchanger) => exchanger.Split(' ')[^1].TrimEnd('.');
}
