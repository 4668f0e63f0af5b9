using System.Globalization;

namespace Portal.Smtp.Protocol;

/// <summary>What a server's EHLO reply offers (RFC 5321 §4.1.1.1).</summary>
internal sealed class PeerExtensions
{
    public static readonly PeerExtensions None = new([]);

    private readonly Dictionary<string, string> offered = new(StringComparer.OrdinalIgnoreCase);

    private PeerExtensions(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            var end = line.IndexOfAny([' ', '=']);   // "AUTH=LOGIN" is how some old servers still write it
            var keyword = end < 0 ? line : line[..end];
            if (keyword.Length > 0) offered.TryAdd(keyword, end < 0 ? "" : line[(end + 1)..].Trim());
        }
    }

    /// <summary>Keywords with their parameters, as they came.</summary>
    public IReadOnlyList<string> Offered => [.. offered.Select(o => o.Value.Length == 0 ? o.Key : $"{o.Key} {o.Value}")];

    public bool StartTls => offered.ContainsKey("STARTTLS");

    public bool Pipelining => offered.ContainsKey("PIPELINING");

    public bool EightBitMime => offered.ContainsKey("8BITMIME");

    public bool SmtpUtf8 => offered.ContainsKey("SMTPUTF8");

    public bool Dsn => offered.ContainsKey("DSN");

    public bool Chunking => offered.ContainsKey("CHUNKING");

    public bool BinaryMime => offered.ContainsKey("BINARYMIME");

    public bool Size => offered.ContainsKey("SIZE");

    /// <summary>Largest message it takes in octets; null when it set no limit (RFC 1870 §4).</summary>
    public long? MaxSizeBytes => offered.TryGetValue("SIZE", out var size) && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var octets) && octets > 0 ? octets : null;

    public IReadOnlyList<string> AuthMechanisms => offered.TryGetValue("AUTH", out var names) ? names.ToUpperInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];

    /// <summary>Reads an EHLO reply; its first line is the greeting and no extension.</summary>
    public static PeerExtensions Read(PeerReply reply) => new(reply.Lines.Skip(1));
}
