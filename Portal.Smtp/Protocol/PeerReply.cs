using System.Globalization;
using System.Text;

namespace Portal.Smtp.Protocol;

/// <summary>What a remote server answered (RFC 5321 §4.2), already made printable.</summary>
/// <param name="Code">Reply code, 200 to 599.</param>
/// <param name="Status">Enhanced status (RFC 3463); null when it gave none that fits the code.</param>
/// <param name="Lines">Text of each line, without code and enhanced status.</param>
public sealed record PeerReply(int Code, string? Status, IReadOnlyList<string> Lines)
{
    /// <summary>2yz: done.</summary>
    public bool IsPositive => Code / 100 == 2;

    /// <summary>3yz: go on.</summary>
    public bool IsIntermediate => Code / 100 == 3;

    /// <summary>4yz: later perhaps.</summary>
    public bool IsTransient => Code / 100 == 4;

    /// <summary>5yz: never.</summary>
    public bool IsPermanent => Code / 100 == 5;

    /// <summary>The enhanced status, or what the code alone says (RFC 3463 §2: X.0.0 is "other or undefined").</summary>
    public string StatusOrDefault => Status ?? string.Create(CultureInfo.InvariantCulture, $"{Code / 100}.0.0");

    /// <summary>Our own verdict in the form of a reply, for what is decided without asking the peer.</summary>
    public static PeerReply Ours(int code, string status, string text) => new(code, status, [text]);

    /// <summary>The reply in one line, as the queue page and the DSN show it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Code}");
        if (Status is not null) text.Append(' ').Append(Status);
        foreach (var line in Lines)
            if (line.Length > 0) text.Append(' ').Append(line);
        return text.ToString();
    }
}

/// <summary>Puts a reply together from its lines, within bounds: a hostile peer's reply costs no memory.</summary>
internal sealed class PeerReplyAssembler
{
    public const int MaxLines = 128;
    public const int MaxOctets = 16 * 1024;

    private readonly List<string> lines = [];
    private int code;
    private string? status;
    private int octets;

    /// <summary>Takes the next line, without its break.</summary>
    /// <returns>The reply when this was its last line; null when more follow.</returns>
    /// <exception cref="FormatException">It is no reply, or one without end.</exception>
    public PeerReply? Add(ReadOnlySpan<byte> line)
    {
        octets += line.Length;
        if (lines.Count >= MaxLines || octets > MaxOctets) throw new FormatException("reply too long");
        if (line.Length < 3 || !IsCode(line[..3]) || (line.Length > 3 && line[3] is not ((byte)' ' or (byte)'-'))) throw new FormatException("not an SMTP reply");

        var lineCode = ((line[0] - '0') * 100) + ((line[1] - '0') * 10) + (line[2] - '0');
        if (lines.Count > 0 && lineCode != code) throw new FormatException("reply lines with different codes");   // RFC 5321 §4.2.1
        code = lineCode;

        var text = line.Length > 4 ? Printable(line[4..]) : "";
        lines.Add(WithoutStatus(text));
        if (line.Length > 3 && line[3] == '-') return null;

        var reply = new PeerReply(code, status, [.. lines]);
        lines.Clear();
        (status, octets) = (null, 0);
        return reply;
    }

    // RFC 5321 §4.2.1: first digit 2 to 5, second 0 to 5; the third is the server's affair.
    private static bool IsCode(ReadOnlySpan<byte> digits) => digits[0] is >= (byte)'2' and <= (byte)'5' && char.IsAsciiDigit((char)digits[1]) && char.IsAsciiDigit((char)digits[2]);

    /// <summary>Text from outside goes into logs, pages and DSNs: controls become question marks, so that none begins a line there (DESIGN §8).</summary>
    private static string Printable(ReadOnlySpan<byte> text) =>
        string.Concat(Encoding.UTF8.GetString(text).Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? '?' : c)).Trim();

    // RFC 2034 §4: the status stands first in each line of 2yz, 4yz and 5yz and has the class of the code.
    private string WithoutStatus(string text)
    {
        var end = text.IndexOf(' ', StringComparison.Ordinal);
        var word = end < 0 ? text : text[..end];
        if (code / 100 == 3 || !IsStatus(word) || word[0] - '0' != code / 100) return text;
        status ??= word;
        return end < 0 ? "" : text[(end + 1)..].TrimStart();
    }

    private static bool IsStatus(string word)
    {
        var parts = word.Split('.');
        return parts.Length == 3 && parts[0] is ("2" or "4" or "5") && parts[1..].All(p => p.Length is >= 1 and <= 3 && p.All(char.IsAsciiDigit));
    }
}
