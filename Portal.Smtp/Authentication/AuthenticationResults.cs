using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using Portal.Smtp.Authentication.Dmarc;
using Portal.Smtp.Signatures;

namespace Portal.Smtp.Authentication;

/// <summary>The Authentication-Results field (RFC 8601): ours is put in front, and what bears our name and is not ours is taken away.</summary>
internal static class AuthenticationResults
{
    public const string Name = "Authentication-Results";

    private const int MaxReason = 150;
    private const int MaxService = 4000;   // octets in which a name must be found
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>What the field says: our name, and each result behind a semicolon.</summary>
    /// <param name="reversePath">Envelope sender; empty for the null reverse-path.</param>
    public static string Of(SenderProof proof, string reversePath, IPAddress client, string hostName)
    {
        var text = new StringBuilder(hostName, 512);
        Add(text, "spf", proof.Spf.Status, proof.Spf.Status == Spf.SpfStatus.Pass ? "" : proof.Spf.Reason);
        if (proof.IsSpfOfHello) Property(text, "smtp.helo", proof.SpfDomain);
        else Property(text, "smtp.mailfrom", IsPlain(reversePath) ? reversePath : proof.SpfDomain);

        if (proof.Dkim.Count == 0) text.Append("; dkim=none");
        foreach (var signature in proof.Dkim)
        {
            Add(text, "dkim", signature.Status, signature.Reason);
            Property(text, "header.d", signature.Domain);
            Property(text, "header.s", signature.Selector);
            Property(text, "header.a", signature.Algorithm);
            Property(text, "header.b", signature.SignatureStart);   // RFC 6008 §4
        }

        Add(text, "dmarc", proof.Dmarc.Status, proof.Dmarc.Status is DmarcStatus.Pass or DmarcStatus.None ? "" : proof.Dmarc.Reason);
        if (proof.Dmarc.Policy is { } policy) text.Append(CultureInfo.InvariantCulture, $" (p={Lower(policy)})");
        Property(text, "header.from", proof.Dmarc.FromDomain);

        Add(text, "arc", proof.Arc.Status, proof.Arc.Reason);
        if (proof.Arc.Sealers is [var newest, ..]) text.Append(CultureInfo.InvariantCulture, $" (i={newest.Instance} d={newest.Domain})");

        if (proof.Arc.OldestPass is { } oldest) text.Append(CultureInfo.InvariantCulture, $" header.oldest-pass={oldest}");   // RFC 8617 §10.2

        Add(text, "iprev", proof.ReverseName.Status, proof.ReverseName.Reason);
        Property(text, "policy.iprev", client.ToString());
        return text.ToString();
    }

    /// <summary>The whole field, folded at its semicolons.</summary>
    public static string Field(string text) => $"{Name}: {text.Replace("; ", ";\r\n\t", StringComparison.Ordinal)}\r\n";

    /// <summary>Whether a sealer's results say that DMARC passed for this author: once, outside of all comments and quotes, where others' words may stand.</summary>
    public static bool SaysDmarcPass(string text, string author)
    {
        string[] results = [.. Bare(text).Split(';', StringSplitOptions.TrimEntries).Where(part => part.StartsWith("dmarc", StringComparison.OrdinalIgnoreCase))];
        if (results is not [var only]) return false;
        var words = only.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return words[0].Equals("dmarc=pass", StringComparison.OrdinalIgnoreCase) && words.Count(w => w.StartsWith("header.from=", StringComparison.OrdinalIgnoreCase)) == 1
            && words.Contains($"header.from={author}", StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The header without the fields that claim to be ours (RFC 8601 §5): nobody but us may have written them. The octets themselves where there is none.</summary>
    public static ReadOnlyMemory<byte> WithoutForged(ReadOnlyMemory<byte> header, string hostName)
    {
        if (!MayHave(header.Span)) return header;
        var fields = HeaderFields.Parse(header, int.MaxValue).Where(f => f.Is(Name) && IsOurs(f.Value, hostName)).ToList();
        if (fields.Count == 0) return header;

        var kept = new ArrayBufferWriter<byte>(header.Length);
        var rest = header;
        foreach (var field in fields)
        {
            rest.Span.Overlaps(field.Octets.Span, out var at);
            kept.Write(rest.Span[..at]);
            rest = rest[(at + field.Octets.Length)..];
        }

        kept.Write(rest.Span);
        return kept.WrittenMemory;
    }

    /// <summary>A quick look, so that most headers are not read field by field.</summary>
    private static bool MayHave(ReadOnlySpan<byte> header)
    {
        for (int end; !header.IsEmpty; header = end < 0 ? [] : header[(end + 1)..])
        {
            if (header.Length > Name.Length && Ascii.EqualsIgnoreCase(header[..Name.Length], "authentication-results"u8)) return true;
            end = header.IndexOf((byte)'\n');
        }

        return false;
    }

    /// <summary>Whether the name before the first semicolon, without comments, quotes and the version behind it (RFC 8601 §2.2), is ours; also where it is not found soon.</summary>
    private static bool IsOurs(ReadOnlySpan<byte> value, string hostName)
    {
        var text = Encoding.UTF8.GetString(value[..Math.Min(value.Length, MaxService)]);
        var service = Bare(text, keepsQuoted: true).Split(';')[0].Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return service is null ? value.Length > MaxService : service.Equals(hostName, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A text without its comments, nested or not (RFC 5322 §3.2.2), and with a question mark for what is quoted, unless that is kept.</summary>
    private static string Bare(string text, bool keepsQuoted = false)
    {
        var bare = new StringBuilder(text.Length);
        var (depth, isQuoted) = (0, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\\' && (depth > 0 || isQuoted) && i + 1 < text.Length)
            {
                i++;
                if (depth == 0 && keepsQuoted) bare.Append(text[i]);
            }
            else if (isQuoted && c != '"')
            {
                if (keepsQuoted) bare.Append(c);
            }
            else if (depth == 0 && c == '"')
            {
                if (!isQuoted && !keepsQuoted) bare.Append('?');
                isQuoted = !isQuoted;
            }
            else if (c == '(')
            {
                depth++;
            }
            else if (c == ')' && depth > 0)
            {
                if (--depth == 0) bare.Append(' ');
            }
            else if (depth == 0)
            {
                bare.Append(c);
            }
        }

        return bare.ToString();
    }

    private static void Add<T>(StringBuilder text, string method, T status, string reason)
        where T : struct, Enum
    {
        text.Append(CultureInfo.InvariantCulture, $"; {method}={Lower(status)}");
        if (reason.Length > 0) text.Append(CultureInfo.InvariantCulture, $" reason=\"{Clean(reason, MaxReason)}\"");
    }

    private static void Property(StringBuilder text, string name, string value)
    {
        if (value.Length > 0) text.Append(CultureInfo.InvariantCulture, $" {name}={(IsToken(value) || IsPlain(value) ? value : $"\"{Clean(value, 320)}\"")}");
    }

    // RFC 8601 §2.2: "softfail", "temperror".
    private static string Lower<T>(T status)
        where T : struct, Enum => status.ToString().ToLowerInvariant();

    private static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(TokenCharacters);

    /// <summary>Whether an address needs no quotes.</summary>
    private static bool IsPlain(string address) => address.Split('@') is [var local, var domain] && IsToken(local) && IsToken(domain);

    // Others' words: nothing that could end the value or the result.
    private static string Clean(string text, int most)
    {
        var clean = string.Concat(text.Select(c => c is >= ' ' and <= '~' and not ('"' or '\\' or ';') ? c : '?'));
        return clean.Length <= most ? clean : clean[..most];
    }
}
