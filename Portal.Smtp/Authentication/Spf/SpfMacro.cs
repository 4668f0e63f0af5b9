using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Portal.Smtp.Authentication.Spf;

/// <summary>Macros (RFC 7208 §7): checked when a record is read, expanded when it is run.</summary>
internal static class SpfMacro
{
    private const string Letters = "slodiphv";
    private const string ExplanationLetters = "crt";
    private static readonly SearchValues<char> Delimiters = SearchValues.Create(".-+,/_=");
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789");
    private const int MaxName = 253;
    private const int MaxExpanded = 8_000;   // no name and no explanation is longer

    /// <summary>Whether every % begins a macro, and every other character is visible ASCII (RFC 7208 §7.1); a space only in an explanation.</summary>
    public static bool IsMacroString(ReadOnlySpan<char> text, bool isExplanation = false)
    {
        while (!text.IsEmpty)
        {
            if (text[0] != '%')
            {
                if (text[0] is < (char)0x21 or > (char)0x7E && !(isExplanation && text[0] == ' ')) return false;
                text = text[1..];
                continue;
            }

            if (!TryRead(text, isExplanation, out _, out var length)) return false;
            text = text[length..];
        }

        return true;
    }

    /// <summary>Whether the text is a domain-spec: a macro-string that ends in a macro or in a top label (RFC 7208 §7.1).</summary>
    public static bool IsDomainSpec(ReadOnlySpan<char> text)
    {
        if (!IsMacroString(text) || text.IsEmpty) return false;
        if (EndsInMacro(text)) return true;
        if (text[^1] == '.') text = text[..^1];
        var dot = text.LastIndexOf('.');
        if (dot < 0) return false;
        var top = text[(dot + 1)..];
        // A top label is no number, and a hyphen stands within it.
        return !top.IsEmpty && top.IndexOfAnyExcept(Digits) >= 0 && top[0] != '-' && top[^1] != '-' && IsLabel(top);
    }

    /// <summary>Whether the name of the client is asked for, which costs questions.</summary>
    public static bool AsksForName(string text) => text.Contains("%{p", StringComparison.OrdinalIgnoreCase);

    /// <summary>Expands a text that <see cref="IsMacroString"/> has passed.</summary>
    /// <param name="domain">The domain whose record this is.</param>
    /// <param name="name">The client's validated name, "unknown" for none; looked at only where it is asked for.</param>
    public static string Expand(string text, SpfQuestion question, string domain, string name, DateTimeOffset now)
    {
        if (!text.Contains('%', StringComparison.Ordinal)) return text;
        var expanded = new StringBuilder();
        for (var rest = text.AsSpan(); !rest.IsEmpty && expanded.Length < MaxExpanded;)
        {
            if (rest[0] != '%')
            {
                expanded.Append(rest[0]);
                rest = rest[1..];
                continue;
            }

            if (!TryRead(rest, true, out var macro, out var length)) throw new ArgumentException("No macro string.", nameof(text));
            expanded.Append(macro.Literal ?? Transform(ValueOf(macro.Letter, question, domain, name, now), macro));
            rest = rest[length..];
        }

        return expanded.ToString();
    }

    /// <summary>The same as a name: one that is too long loses labels from the left (RFC 7208 §7.3).</summary>
    public static string ExpandName(string spec, SpfQuestion question, string domain, string name, DateTimeOffset now)
    {
        var expanded = Expand(spec, question, domain, name, now).TrimEnd('.');
        if (expanded.Length <= MaxName) return expanded;
        var start = expanded.Length - MaxName;
        return expanded[start - 1] == '.' ? expanded[start..] : expanded.IndexOf('.', start) is >= 0 and var dot ? expanded[(dot + 1)..] : expanded[start..];
    }

    /// <summary>Reads the macro at the start.</summary>
    private static bool TryRead(ReadOnlySpan<char> text, bool isExplanation, out Macro macro, out int length)
    {
        (macro, length) = (default, 2);
        if (text.Length < 2) return false;
        switch (text[1])
        {
            case '%': macro = new() { Literal = "%" }; return true;
            case '_': macro = new() { Literal = " " }; return true;
            case '-': macro = new() { Literal = "%20" }; return true;
            case '{': break;
            default: return false;
        }

        var end = text.IndexOf('}');
        if (end < 3) return false;
        length = end + 1;
        var letter = char.ToLowerInvariant(text[2]);
        if (!Letters.Contains(letter, StringComparison.Ordinal) && !(isExplanation && ExplanationLetters.Contains(letter, StringComparison.Ordinal))) return false;
        var rest = text[3..end];
        var digits = rest.IndexOfAnyExcept(Digits) is >= 0 and var count ? count : rest.Length;
        var keep = 0;
        if (digits > 0 && (!int.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out keep) || keep == 0)) return false;
        rest = rest[digits..];
        var isReversed = !rest.IsEmpty && rest[0] is 'r' or 'R';
        if (isReversed) rest = rest[1..];
        if (rest.IndexOfAnyExcept(Delimiters) >= 0) return false;
        macro = new() { Letter = letter, Keep = keep, IsReversed = isReversed, Delimiters = rest.IsEmpty ? "." : rest.ToString(), IsEscaped = char.IsAsciiLetterUpper(text[2]) };
        return true;
    }

    private static bool EndsInMacro(ReadOnlySpan<char> text)
    {
        var end = false;
        while (!text.IsEmpty)
        {
            end = text[0] == '%';
            var length = 1;
            if (end) TryRead(text, false, out _, out length);
            text = text[length..];
        }

        return end;
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        foreach (var c in label)
            if (!char.IsAsciiLetterOrDigit(c) && c != '-') return false;
        return true;
    }

    private static string ValueOf(char letter, SpfQuestion question, string domain, string name, DateTimeOffset now) => letter switch
    {
        's' => $"{question.LocalPart}@{question.SenderDomain}",
        'l' => question.LocalPart,
        'o' => question.SenderDomain,
        'd' => domain,
        'i' => Dotted(question.Client),
        'p' => name,
        'v' => question.Client.AddressFamily == AddressFamily.InterNetwork ? "in-addr" : "ip6",
        'h' => question.Hello,
        'c' => question.Client.ToString(),
        'r' => question.Receiver,
        _ => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Four numbers, or thirty-two nibbles.</summary>
    private static string Dotted(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? address.ToString()
        : string.Join('.', Convert.ToHexStringLower(address.GetAddressBytes()).ToCharArray());

    private static string Transform(string value, Macro macro)
    {
        if (macro is { Keep: > 0 } or { IsReversed: true } || macro.Delimiters != ".")
        {
            var parts = value.Split(macro.Delimiters.ToCharArray());
            if (macro.IsReversed) Array.Reverse(parts);
            value = string.Join('.', macro.Keep > 0 ? parts.TakeLast(macro.Keep) : parts);
        }

        return macro.IsEscaped ? Uri.EscapeDataString(value) : value;   // RFC 7208 §7.3: an upper-case letter
    }

    private readonly record struct Macro
    {
        /// <summary>What %%, %_ and %- stand for; null for a letter.</summary>
        public string? Literal { get; init; }

        public char Letter { get; init; }

        /// <summary>Parts kept from the right; 0 for all.</summary>
        public int Keep { get; init; }

        public bool IsReversed { get; init; }

        public string Delimiters { get; init; }

        public bool IsEscaped { get; init; }
    }
}
