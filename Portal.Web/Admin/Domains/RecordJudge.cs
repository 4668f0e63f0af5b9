using System.Globalization;
using System.Net;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Smtp.Authentication.Dmarc;
using Portal.Smtp.Dns;
using Portal.Web.Components.Shared;

namespace Portal.Web.Admin.Domains;

/// <summary>Compares what the DNS answers with what should be there: by what it means to whoever reads it, not letter by letter.</summary>
internal static class RecordJudge
{
    private const string Malformed = "Malformed";
    private const string DmarcVersion = "v=DMARC1", MtaStsVersion = "v=STSv1", TlsRptVersion = "v=TLSRPTv1";

    /// <summary>The hosts that take the mail. The preference is a matter of taste; another host beside ours is not, unless the domain is only relayed here.</summary>
    public static FoundRecord Mx(WantedRecord wanted, IEnumerable<MailExchanger> found)
    {
        var host = HostOf(wanted.Value);
        var sorted = found.OrderBy(m => m.Preference).ToList();
        string[] values = [.. sorted.Select(m => $"{m.Preference} {m.Host}.")];
        var others = sorted.FindAll(m => !m.Host.Equals(host, StringComparison.OrdinalIgnoreCase));
        if (sorted.Count == 0) return FoundRecord.Missing;
        if (others.Count == 0 || (wanted.Kind == RecordKind.RelayMx && others.Count < sorted.Count)) return new(Status.Published, values);
        if (others[0].Host.Length == 0) return FoundRecord.Different(values, "NoMail");   // RFC 7505 §3
        return wanted.Kind == RecordKind.RelayMx ? FoundRecord.Different(values, "NotOurs", host) : FoundRecord.Different(values, "OtherHost", others[0].Host);
    }

    /// <summary>Whether a name leads to ours, by an alias or by addresses of its own.</summary>
    /// <param name="ours">The addresses of the name that is wanted.</param>
    public static FoundRecord Host(string wanted, IReadOnlyList<IPAddress> found, IReadOnlyList<IPAddress> ours)
    {
        string[] values = [.. found.Select(a => a.ToString())];
        if (found.Count == 0) return FoundRecord.Missing;
        if (ours.Count == 0) return FoundRecord.Different(values, "NameUnknown", HostOf(wanted));
        return found.FirstOrDefault(a => !ours.Contains(a)) is { } other ? FoundRecord.Different(values, "OtherAddress", other.ToString()) : new(Status.Published, values);
    }

    /// <summary>The text records under a wanted record's name.</summary>
    public static FoundRecord Text(WantedRecord wanted, IReadOnlyList<string> texts)
    {
        var found = wanted.Kind switch
        {
            RecordKind.Spf => Only([.. texts.Where(IsSpf)], "", IsSpf, text => SpfFault(text, wanted.Value)),
            RecordKind.Dkim => Dkim(wanted, texts),
            RecordKind.Dmarc => Only(texts, DmarcVersion, DmarcRecord.IsDmarc, DmarcFault),
            RecordKind.MtaSts => Only(texts, MtaStsVersion, text => Begins(text, MtaStsVersion), text => MtaStsFault(text, wanted.Value)),
            _ => Only(texts, TlsRptVersion, text => Begins(text, TlsRptVersion), TlsRptFault),
        };
        return found.Status == Status.Published && !texts.Contains(wanted.Value) ? found with { Why = "SameMeaning" } : found;
    }

    /// <summary>The host an MX or alias names.</summary>
    public static string HostOf(string value) => value.Split(' ')[^1].TrimEnd('.');

    /// <summary>One record that is meant for its readers, who pass over what is not; of several none counts (RFC 7208 §4.5, RFC 7489 §6.6.3, RFC 8460 §3, RFC 8461 §3.1).</summary>
    private static FoundRecord Only(IReadOnlyList<string> texts, string version, Func<string, bool> isMeant, Func<string, Fault?> faultOf)
    {
        if (texts.Count == 0) return FoundRecord.Missing;
        string[] meant = [.. texts.Where(isMeant)];
        return meant switch
        {
            [] => FoundRecord.Different(texts, "Version", version),
            [var only] => faultOf(only) is { } fault ? FoundRecord.Different(meant, fault.Why, fault.Detail) : new(Status.Published, meant),
            _ => FoundRecord.Different(meant, "Several", meant.Length.ToString(CultureInfo.InvariantCulture)),
        };
    }

    private static FoundRecord Dkim(WantedRecord wanted, IReadOnlyList<string> texts)
    {
        var status = Statuses.Of(new DkimRecord(wanted.Name, wanted.Value).Judge(texts));
        return status switch
        {
            Status.Missing => FoundRecord.Missing,
            Status.Published => new(status, texts),
            _ when texts.Count > 1 => FoundRecord.Different(texts, "Several", texts.Count.ToString(CultureInfo.InvariantCulture)),
            _ => FoundRecord.Different(texts, "OtherKey"),
        };
    }

    // RFC 7208 §4.5: the version, and a space or nothing behind it; another TXT record is not ours to judge.
    private static bool IsSpf(string text) => Words(text) is [var first, ..] && first.Equals("v=spf1", StringComparison.OrdinalIgnoreCase);

    private static Fault? SpfFault(string text, string wanted)
    {
        var words = Words(text);
        if (words.SequenceEqual(Words(wanted), StringComparer.OrdinalIgnoreCase)) return null;
        return new(words[^1].Equals("-all", StringComparison.OrdinalIgnoreCase) ? "OtherSenders" : "OpenEnd");
    }

    /// <summary>Whether it asks for less than the wanted record does: quarantine, for names below the domain too, for all mail (RFC 7489 §6.3).</summary>
    private static Fault? DmarcFault(string text)
    {
        var tags = TagList.Parse(text);
        if (tags.Fault is not null) return new(Malformed);
        if (Fields(text) is not [_, var second, ..] || !second.Split('=')[0].TrimEnd().Equals("p", StringComparison.OrdinalIgnoreCase)) return new("PolicyNotSecond");
        if (DmarcRecord.TryParse(text, out _) is not { } record) return new(Malformed);
        if (record.Policy == DmarcPolicy.None) return new("none".Equals(tags["p"], StringComparison.OrdinalIgnoreCase) ? "PolicyNone" : Malformed);
        if (record.SubdomainPolicy == DmarcPolicy.None) return new("SubdomainsOpen");
        return record.Percent < 100 ? new("PartOnly", record.Percent.ToString(CultureInfo.InvariantCulture)) : null;
    }

    private static Fault? MtaStsFault(string text, string wanted)
    {
        var tags = TagList.Parse(text);
        if (tags.Fault is not null || tags["id"] is not { Length: > 0 and <= 32 } id || !id.All(char.IsAsciiLetterOrDigit) || !Fields(text).Contains($"id={id}")) return new(Malformed);
        return id == TagList.Parse(wanted)["id"] ? null : new("OtherId");
    }

    private static Fault? TlsRptFault(string text)
    {
        var tags = TagList.Parse(text);
        if (tags.Fault is not null || tags["rua"] is null) return new(Malformed);
        return tags["rua"]!.Split(',', StringSplitOptions.TrimEntries).Any(IsReachable) ? null : new("NoReader");
    }

    // RFC 8460 §3: mail or HTTPS.
    private static bool IsReachable(string uri)
    {
        const string mail = "mailto:";
        return uri.StartsWith(mail, StringComparison.OrdinalIgnoreCase)
            ? MailAddress.TryParse(Uri.UnescapeDataString(uri[mail.Length..].Split('?')[0]), out _)
            : Uri.TryCreate(uri, UriKind.Absolute, out var read) && read.Scheme == Uri.UriSchemeHttps;
    }

    // RFC 8461 §3.1, RFC 8460 §3: the version as it is written here, white space and a semicolon behind it.
    private static bool Begins(string text, string version) =>
        text.StartsWith(version, StringComparison.Ordinal) && text.AsSpan(version.Length).TrimStart(" \t") is [] or [';', ..];

    private static string[] Fields(string text) => text.Split(';', StringSplitOptions.TrimEntries);

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Why a record is not as it should be: suffix of the key "Why_…", and what goes into its hole.</summary>
    private sealed record Fault(string Why, string Detail = "");
}
