using System.Globalization;

namespace Portal.Smtp.Authentication.Dmarc;

/// <summary>What a domain asks to be done with mail that is not its own (RFC 7489 §6.3).</summary>
public enum DmarcPolicy
{
    None,
    Quarantine,
    Reject,
}

/// <summary>A DMARC record.</summary>
/// <param name="Policy">p=, for the domain itself.</param>
/// <param name="SubdomainPolicy">sp=, for names below it; p= where it says nothing.</param>
/// <param name="IsSpfStrict">aspf=s: the very domain, not one of the same organisation.</param>
/// <param name="IsDkimStrict">adkim=s.</param>
/// <param name="Percent">pct=, 0 to 100.</param>
public sealed record DmarcRecord(DmarcPolicy Policy, DmarcPolicy SubdomainPolicy, bool IsSpfStrict, bool IsDkimStrict, int Percent)
{
    private const int MaxOctets = 10_000;

    /// <summary>Whether a TXT record begins as one (RFC 7489 §6.6.3); whatever else stands at the name is passed over.</summary>
    public static bool IsDmarc(string text)
    {
        var first = text.AsSpan()[..(text.IndexOf(';', StringComparison.Ordinal) is >= 0 and var end ? end : text.Length)];
        var equals = first.IndexOf('=');
        return equals > 0 && first[..equals].Trim().Equals("v", StringComparison.OrdinalIgnoreCase) && first[(equals + 1)..].Trim().SequenceEqual("DMARC1");
    }

    /// <summary>Reads a record that <see cref="IsDmarc"/>; null with the tag that can't be read.</summary>
    public static DmarcRecord? TryParse(string text, out string fault)
    {
        fault = "it is too long";
        if (text.Length > MaxOctets) return null;
        DmarcPolicy? policy = null, subdomains = null;
        var (isPolicyBad, hasReports, isSpfStrict, isDkimStrict, percent) = (false, false, false, false, 100);
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            fault = part.Length > 60 ? part[..60] + "…" : part;
            if (equals <= 0) continue;   // §6.3: a syntax error in one part spoils that part
            var value = part[(equals + 1)..].Trim();
            switch (part[..equals].TrimEnd().ToLowerInvariant())
            {
                case "p": (policy, isPolicyBad) = PolicyOf(value) is { } p ? (p, false) : ((DmarcPolicy?)null, true); break;
                case "sp": subdomains = PolicyOf(value); isPolicyBad |= subdomains is null; break;
                case "aspf": isSpfStrict = value.Equals("s", StringComparison.OrdinalIgnoreCase); break;
                case "adkim": isDkimStrict = value.Equals("s", StringComparison.OrdinalIgnoreCase); break;
                case "rua": hasReports = value.Length > 0; break;
                case "pct":
                    // §6.3: what can't be read is passed over, but for the version and the policy.
                    if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var read) && read <= 100) percent = read;
                    break;
            }
        }

        // §6.6.3: without a policy that can be read, who asks for reports is taken to watch only.
        if (policy is null || isPolicyBad)
        {
            fault = "it has no policy";
            if (!hasReports) return null;
            (policy, subdomains) = (DmarcPolicy.None, DmarcPolicy.None);
        }

        return new(policy.Value, subdomains ?? policy.Value, isSpfStrict, isDkimStrict, percent);
    }

    private static DmarcPolicy? PolicyOf(string value) => value.ToLowerInvariant() switch
    {
        "none" => DmarcPolicy.None,
        "quarantine" => DmarcPolicy.Quarantine,
        "reject" => DmarcPolicy.Reject,
        _ => null,
    };
}
