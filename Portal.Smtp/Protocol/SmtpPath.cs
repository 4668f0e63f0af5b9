using System.Text;
using Portal.Core.Addresses;

namespace Portal.Smtp.Protocol;

/// <summary>A reverse-path or forward-path as it stood between the angle brackets, its source route taken off (RFC 5321 §4.1.2, appendix C).</summary>
/// <param name="LocalPart">Local part without quoting.</param>
/// <param name="Domain">Domain as typed, or an address literal with its brackets; empty for the null reverse-path and for a bare postmaster.</param>
public sealed record SmtpPath(string LocalPart, string Domain)
{
    public const int MaxLocalPartOctets = 64;   // RFC 5321 §4.5.3.1.1
    public const int MaxDomainOctets = 255;     // RFC 5321 §4.5.3.1.2
    public const int MaxPathOctets = 256;       // RFC 5321 §4.5.3.1.3, with the brackets

    /// <summary>The null reverse-path, <c>&lt;&gt;</c>.</summary>
    public static readonly SmtpPath Null = new("", "");

    public bool IsNull => LocalPart.Length == 0 && Domain.Length == 0;

    /// <summary><c>RCPT TO:&lt;postmaster&gt;</c>, which every server takes without a domain (RFC 5321 §4.5.1).</summary>
    public bool IsBarePostmaster => Domain.Length == 0 && LocalPart.Equals("postmaster", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a path with its brackets from the start of <paramref name="text"/>.</summary>
    /// <param name="text">What stands after "FROM:" or "TO:".</param>
    /// <param name="path">The path; null when it is none.</param>
    /// <param name="length">Characters read, brackets included.</param>
    public static bool TryParse(ReadOnlySpan<char> text, out SmtpPath? path, out int length)
    {
        path = null;
        length = 0;
        if (text.Length < 2 || text[0] != '<') return false;
        var at = 1;
        if (text[at] == '>') (path, length) = (Null, 2);
        else if (SkipSourceRoute(text, ref at) && ReadMailbox(text, ref at, out var mailbox) && at < text.Length && text[at] == '>')
            (path, length) = (mailbox, at + 1);
        return path is not null;
    }

    /// <summary>Addr-spec, quoted where it must be; empty for the null reverse-path.</summary>
    public override string ToString()
    {
        if (Domain.Length == 0) return LocalPart;
        return IsDotString(LocalPart) ? $"{LocalPart}@{Domain}" : $"\"{LocalPart.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"@{Domain}";
    }

    // RFC 5321 appendix C: "@one,@two:user@three" is accepted and judged by what follows the colon; RFC 5321 §4.1.1.3 lets us ignore the route.
    private static bool SkipSourceRoute(ReadOnlySpan<char> text, ref int at)
    {
        if (text[at] != '@') return true;
        while (true)
        {
            at++;
            if (!ReadDomain(text, ref at, out _) || at >= text.Length) return false;
            if (text[at] == ':')
            {
                at++;
                return at < text.Length;
            }

            if (text[at] != ',' || ++at >= text.Length || text[at] != '@') return false;
        }
    }

    private static bool ReadMailbox(ReadOnlySpan<char> text, ref int at, out SmtpPath? path)
    {
        path = null;
        if (!ReadLocalPart(text, ref at, out var localPart) || at >= text.Length) return false;
        if (text[at] == '>')
        {
            path = new SmtpPath(localPart, "");
            return path.IsBarePostmaster;
        }

        if (text[at] != '@') return false;
        at++;
        if (!ReadDomain(text, ref at, out var domain)) return false;
        var mailbox = new SmtpPath(localPart, domain);
        if (Encoding.UTF8.GetByteCount(mailbox.ToString()) > MaxPathOctets - 2) return false;
        path = mailbox;
        return true;
    }

    private static bool ReadLocalPart(ReadOnlySpan<char> text, ref int at, out string localPart)
    {
        localPart = "";
        if (text[at] == '"') return ReadQuoted(text, ref at, out localPart);
        var start = at;
        while (at < text.Length && (IsAtext(text[at]) || text[at] == '.')) at++;
        var found = text[start..at];
        if (!IsDotString(found)) return false;
        localPart = found.ToString();
        return Encoding.UTF8.GetByteCount(found) <= MaxLocalPartOctets;
    }

    private static bool ReadQuoted(ReadOnlySpan<char> text, ref int at, out string localPart)
    {
        var value = new StringBuilder();
        localPart = "";
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && ++at >= text.Length) return false;
            if (text[at] is < ' ' or '\x7f') return false;   // RFC 5321 §4.1.2: qtextSMTP and quoted-pairSMTP are printable
            value.Append(text[at]);
        }

        if (at >= text.Length) return false;
        at++;
        localPart = value.ToString();
        return Encoding.UTF8.GetByteCount(localPart) <= MaxLocalPartOctets;
    }

    private static bool ReadDomain(ReadOnlySpan<char> text, ref int at, out string domain)
    {
        domain = "";
        var start = at;
        if (at < text.Length && text[at] == '[') return ReadLiteral(text, ref at, out domain);
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '-' or '.' or '_' || (text[at] > '\x9f' && !char.IsWhiteSpace(text[at])))) at++;
        var found = text[start..at];
        // The underscore is no part of RFC 5321's sub-domain, but stands in host names that send real mail.
        if (found.Length == 0 || found[0] is '.' or '-' || found[^1] is '.' or '-' || found.Contains("..", StringComparison.Ordinal)) return false;
        domain = found.ToString();
        return Encoding.UTF8.GetByteCount(found) <= MaxDomainOctets;
    }

    // RFC 5321 §4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]".
    private static bool ReadLiteral(ReadOnlySpan<char> text, ref int at, out string domain)
    {
        domain = "";
        var end = text[at..].IndexOf(']');
        if (end < 0) return false;
        if (!IpLiteral.IsValid(text.Slice(at + 1, end - 1))) return false;
        domain = text.Slice(at, end + 1).ToString();
        at += end + 1;
        return true;
    }

    private static bool IsDotString(ReadOnlySpan<char> text)
    {
        if (text.Length == 0 || text[0] == '.' || text[^1] == '.' || text.Contains("..", StringComparison.Ordinal)) return false;
        foreach (var c in text)
        {
            if (c != '.' && !IsAtext(c)) return false;
        }

        return true;
    }

    // RFC 5322 §3.2.3, with RFC 6531 §3.3's UTF-8, controls and spaces left out.
    private static bool IsAtext(char c) => char.IsAsciiLetterOrDigit(c) || (c > '\x9f' && !char.IsWhiteSpace(c)) || "!#$%&'*+-/=?^_`{|}~".Contains(c, StringComparison.Ordinal);
}
