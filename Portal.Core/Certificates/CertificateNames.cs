using System.Security.Cryptography.X509Certificates;
using Portal.Core.Addresses;

namespace Portal.Core.Certificates;

/// <summary>The names a certificate is for and those that clients ask for, in one form: A-labels, lower case, no final dot.</summary>
internal static class CertificateNames
{
    /// <summary>Its DNS names, which may begin with "*."; where it has none the common name (RFC 6125 §6.4.4), else its subject: never empty.</summary>
    public static IReadOnlyList<string> Of(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).ToList();
        if (names.Count == 0) names.Add(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        List<string> normal = [.. names.Select(Normal).OfType<string>().Distinct()];
        return normal.Count > 0 ? normal : [certificate.Subject];
    }

    /// <summary>A name of a certificate or of a client's server_name (RFC 6066 §3), which the platform may have turned into U-labels; null for none.</summary>
    public static string? Normal(string? name)
    {
        if (string.IsNullOrEmpty(name)) return null;
        var bare = name.EndsWith('.') ? name[..^1] : name;
        var (wildcard, rest) = bare.StartsWith("*.", StringComparison.Ordinal) ? ("*.", bare[2..]) : ("", bare);
        return wildcard + (DomainName.TryParse(rest, out var domain) ? domain.Value : rest.ToLowerInvariant());
    }

    /// <summary>The wildcard that would be for this name: it stands for the whole first label and nothing else (RFC 6125 §6.4.3). Null for a name of one label.</summary>
    public static string? WildcardOf(string name) => name.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? $"*{name[dot..]}" : null;
}
