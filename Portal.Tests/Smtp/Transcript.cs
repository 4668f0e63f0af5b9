using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Portal.Smtp.Server;

namespace Portal.Tests.Smtp;

/// <summary>
/// A dialogue in RFC 5321 appendix D's notation. <c>C:</c> we send a line; <c>R:</c> we send octets (\r \n \0 \\ \xHH, no line end
/// added); <c>S:</c> a line that must come back, <c>SS:</c> a
/// whole reply of one or more lines, <c>*</c> matches anything; <c>TLS</c> handshake now; <c>T: 5m1s</c> time passes; <c>STOP</c> the
/// server stops; <c>HANGUP</c> we send no more; <c>FAULT: database</c> or <c>commit</c> breaks it until <c>FAULT: none</c>; <c>CLOSED</c>
/// the server has closed; <c>==</c> what must be true after. A number behind C, R or S repeats the line. "# key: value" at the head sets
/// listener, client, options, how many others of the client's address are connected already, or that there is no certificate.
/// </summary>
internal sealed partial class Transcript
{
    private Transcript(string name) => Name = name;

    public string Name { get; }

    public SmtpListenerKind Listener { get; private set; }

    public IPAddress Client { get; private set; } = IPAddress.Parse("192.0.2.7");

    public Dictionary<string, string?> Options { get; } = [];

    /// <summary>Connections from the client's address that are open before the dialogue begins.</summary>
    public int Others { get; private set; }

    /// <summary>Whether the server has lost its certificate and can make no other.</summary>
    public bool LacksCertificate { get; private set; }

    public List<TranscriptLine> Lines { get; } = [];

    public static Transcript Read(string file)
    {
        var transcript = new Transcript(Path.GetFileName(file));
        var number = 0;
        foreach (var text in File.ReadAllLines(file))
        {
            number++;
            if (text.StartsWith('#')) transcript.Direct(text[1..].Trim());
            else if (text.Trim().Length > 0) transcript.Lines.Add(TranscriptLine.Parse(number, text));
        }

        return transcript;
    }

    private void Direct(string text)
    {
        if (DirectivePattern().Match(text) is not { Success: true } match) return;
        var value = match.Groups[2].Value;
        switch (match.Groups[1].Value)
        {
            case "listener": Listener = Enum.Parse<SmtpListenerKind>(value, ignoreCase: true); break;
            case "client": Client = IPAddress.Parse(value); break;
            case "others": Others = int.Parse(value, CultureInfo.InvariantCulture); break;
            case "certificate": LacksCertificate = value == "none"; break;
            default:
                foreach (var option in value.Split(',', StringSplitOptions.TrimEntries))
                {
                    var parts = option.Split('=', 2);
                    Options[parts[0].Contains(':', StringComparison.Ordinal) ? parts[0] : $"Portal:Smtp:{parts[0]}"] = parts[1];
                }

                break;
        }
    }

    [GeneratedRegex("^(listener|client|options|others|certificate): (.+)$")]
    private static partial Regex DirectivePattern();
}

/// <summary>One line of a transcript.</summary>
internal sealed partial record TranscriptLine(int Number, string Kind, int Times, string Text)
{
    private static readonly Dictionary<char, byte> Escapes = new() { ['r'] = 13, ['n'] = 10, ['0'] = 0, ['t'] = 9, ['s'] = 32, ['\\'] = 92 };

    public static TranscriptLine Parse(int number, string line)
    {
        var match = LinePattern().Match(line);
        if (!match.Success) throw new FormatException($"Line {number} is none of a transcript: {line}");
        var times = match.Groups[2].Success ? int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) : 1;
        return new TranscriptLine(number, match.Groups[1].Value, times, match.Groups[3].Value);
    }

    public bool Matches(string? reply) =>
        reply is not null && Regex.IsMatch(reply, "^" + Regex.Escape(Text).Replace("\\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.Singleline);

    /// <summary>The octets of a C: or R: line, as often as it says.</summary>
    public byte[] Octets()
    {
        var once = Kind == "C" ? [.. Encoding.UTF8.GetBytes(Text), (byte)'\r', (byte)'\n'] : Unescape(Text);
        return [.. Enumerable.Repeat(once, Times).SelectMany(o => o)];
    }

    private static byte[] Unescape(string text)
    {
        var octets = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                octets.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
                continue;
            }

            i++;
            if (text[i] == 'x')
            {
                octets.Add(byte.Parse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
            else octets.Add(Escapes[text[i]]);
        }

        return [.. octets];
    }

    [GeneratedRegex(@"^(CLOSED|HANGUP|FAULT|STOP|TLS|SS|==|C|R|S|T)(?:\*(\d+))?:? ?(.*)$")]
    private static partial Regex LinePattern();
}
