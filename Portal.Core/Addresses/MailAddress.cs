using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Portal.Core.Addresses;

/// <summary>A mailbox address, local-part@domain (RFC 5321 §4.1.2, RFC 6531 §3.3). Equal when the folded forms are.</summary>
public sealed class MailAddress : IEquatable<MailAddress>
{
    /// <summary>Longest local part in octets (RFC 5321 §4.5.3.1.1).</summary>
    public const int MaxLocalPartOctets = 64;

    /// <summary>Longest address that is told apart, in characters of its stored form: 64, "@" and 255 (RFC 5321 §4.5.3.1).</summary>
    public const int MaxLength = 320;

    private MailAddress(string localPart, DomainName domain, string? literal)
    {
        (LocalPart, Domain, AddressLiteral) = (localPart, domain, literal);
        FoldedLocalPart = Fold(localPart);
        Folded = $"{Quote(FoldedLocalPart)}@{literal ?? domain.Value}";
    }

    /// <summary>As typed, without quotes.</summary>
    public string LocalPart { get; }

    /// <summary>Empty when the address ends in a literal.</summary>
    public DomainName Domain { get; }

    /// <summary>"[192.0.2.1]" or "[IPv6:…]"; null for a domain.</summary>
    public string? AddressLiteral { get; }

    /// <summary>Invariant lower case, NFC; how local parts are compared here (RFC 5321 §2.4 leaves it to us).</summary>
    public string FoldedLocalPart { get; }

    /// <summary>The whole address for comparison and storage: folded local part, quoted where needed, and A-label domain.</summary>
    public string Folded { get; }

    /// <summary>Whether it needs SMTPUTF8 to travel (RFC 6531 §3.2); the domain never does in A-label form.</summary>
    public bool NeedsUtf8 => !Ascii.IsValid(LocalPart);

    /// <summary>Folds a local part for comparison.</summary>
    public static string Fold(string localPart) =>
        Ascii.IsValid(localPart)
            ? localPart.ToLowerInvariant()
            // Once more behind it: a small letter may have a composed form that the capital lacks (T with diaeresis).
            : localPart.Normalize(NormalizationForm.FormC).ToLowerInvariant().Normalize(NormalizationForm.FormC);

    /// <summary>Reads one whole address, without angle brackets or display name.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out MailAddress? address)
    {
        address = null;
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength) return false;
        if (!TryReadLocalPart(text, out var localPart, out var at)) return false;
        if (at >= text.Length || text[at] != '@') return false;

        var domain = text[(at + 1)..];
        if (domain.StartsWith('['))
        {
            if (!IsLiteral(domain)) return false;
            address = Storable(new(localPart, default, domain.ToLowerInvariant()));
            return address is not null;
        }

        if (!DomainName.TryParse(domain, out var name)) return false;
        address = Storable(new(localPart, name, null));
        return address is not null;
    }

    /// <summary>Quotes, A-labels and NFC make an address longer than it was written.</summary>
    private static MailAddress? Storable(MailAddress address) =>
        address.FoldedLocalPart.Length <= MaxLocalPartOctets && address.Folded.Length <= MaxLength && address.ToString().Length <= MaxLength ? address : null;

    /// <summary>Reads an address or throws; for literals in code and values already checked.</summary>
    public static MailAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException("Not a mail address.");

    /// <summary>As typed, quoted where the grammar asks for it, domain in A-label form.</summary>
    public override string ToString() => $"{Quote(LocalPart)}@{AddressLiteral ?? Domain.Value}";

    public bool Equals(MailAddress? other) => other is not null && Folded == other.Folded;

    public override bool Equals(object? obj) => Equals(obj as MailAddress);

    public override int GetHashCode() => Folded.GetHashCode(StringComparison.Ordinal);

    /// <summary>Writes a local part as a dot-string, or as a quoted string where it is none.</summary>
    private static string Quote(string localPart) =>
        IsDotString(localPart) ? localPart : $"\"{localPart.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static bool IsDotString(string text)
    {
        if (text.Length == 0 || text[0] == '.' || text[^1] == '.') return false;
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '.' ? text[i - 1] == '.' : !IsAtom(text[i])) return false;
        return true;
    }

    private static bool TryReadLocalPart(string text, out string localPart, out int end)
    {
        localPart = "";
        end = 0;
        if (text[0] == '"')
        {
            if (!TryReadQuoted(text, out localPart, out end)) return false;
        }
        else
        {
            end = text.IndexOf('@', StringComparison.Ordinal);
            if (end <= 0) return false;
            localPart = text[..end];
            if (!IsDotString(localPart) || !IsWellFormed(localPart)) return false;
        }

        return localPart.Length > 0 && Encoding.UTF8.GetByteCount(localPart) <= MaxLocalPartOctets
            && (Ascii.IsValid(localPart) || Encoding.UTF8.GetByteCount(Fold(localPart)) <= MaxLocalPartOctets);   // folding makes some letters longer, and the folded form is stored
    }

    // RFC 5321 §4.1.2: Quoted-string, any graphic or space but " and \, which are escaped.
    private static bool TryReadQuoted(string text, out string localPart, out int end)
    {
        var read = new StringBuilder();
        for (end = 1; end < text.Length; end++)
        {
            var c = text[end];
            if (c == '"')
            {
                end++;
                localPart = read.ToString();
                return IsWellFormed(localPart);
            }

            if (c == '\\' && ++end < text.Length) c = text[end];
            if (c < ' ' || c is >= '\x7F' and <= '\x9F') break;
            read.Append(c);
        }

        localPart = "";
        return false;
    }

    private static bool IsAtom(char c) =>
        char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-/=?^_`{|}~".Contains(c, StringComparison.Ordinal) || (c > 159 && !char.IsWhiteSpace(c));   // RFC 6531 §3.3: any UTF-8 beyond ASCII, controls and spaces left out

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] >= '\uFFFE') return false;   // no characters (Unicode §23.7), and what Normalize throws at
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }

        return true;
    }

    private static bool IsLiteral(string text) => text.Length > 2 && text[^1] == ']' && IpLiteral.IsValid(text.AsSpan(1, text.Length - 2));
}
