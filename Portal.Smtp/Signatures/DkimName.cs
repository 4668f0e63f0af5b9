using System.Text;
using Portal.Core.Addresses;

namespace Portal.Smtp.Signatures;

/// <summary>Domains and selectors as signatures name them, in A-label form and lower case (RFC 6376 §3.5 "d=", "s="; RFC 8616 §5).</summary>
internal static class DkimName
{
    /// <summary>Reads a domain or selector; null when it is none. The underscore is no part of RFC 6376's sub-domain, but stands in selectors that sign real mail.</summary>
    public static string? Read(string? text)
    {
        if (text is null) return null;
        if (!Ascii.IsValid(text)) return DomainName.TryParse(text, out var domain) ? domain.Value : null;
        if (text.Length is 0 or > 253) return null;
        var label = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '.')
            {
                if (label == 0 || text[i - 1] == '-') return null;
                label = 0;
                continue;
            }

            if (!char.IsAsciiLetterOrDigit(c) && c != '_' && (c != '-' || label == 0)) return null;
            if (++label > 63) return null;
        }

        return label > 0 && text[^1] != '-' ? text.ToLowerInvariant() : null;
    }

    /// <summary>Where the key lies (RFC 6376 §3.6.2.1).</summary>
    public static string KeyName(string selector, string domain) => $"{selector}._domainkey.{domain}";

    /// <summary>Whether a domain is the other or below it.</summary>
    public static bool IsWithin(string domain, string parent) =>
        domain == parent || (domain.EndsWith(parent, StringComparison.Ordinal) && domain[^(parent.Length + 1)] == '.');
}
