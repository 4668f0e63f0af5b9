using System.Globalization;
using System.Text.RegularExpressions;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Smtp.Delivery;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>
/// A remote server as a dialogue in RFC 5321 appendix D's notation, from the network's side: <c>S:</c> the peer says a line (\r and \n are escapes); <c>C:</c>
/// our courier must say it, <c>*</c> matches anything; <c>TLS</c> the peer takes a handshake; <c>CLOSE</c> it hangs up; <c>CLOSED</c>
/// the courier has; <c>NEXT</c> another connection comes; <c>SILENT</c> nothing more is said; <c>==</c> what the courier made of it. A
/// number behind S repeats the line. "# key: value" at the head says what is sent.
/// </summary>
internal sealed partial class PeerScript
{
    public string Name { get; private init; } = "";

    public List<PeerLine> Lines { get; } = [];

    public string ReversePath { get; private set; } = "alice@portal.test";

    public List<string> Recipients { get; private set; } = ["bob@example.org"];

    /// <summary>With \r \n \0 \xHH as escapes.</summary>
    public byte[] Content { get; private set; } = "Subject: x\r\n\r\nhello\r\n"u8.ToArray();

    public MessageNeeds Needs { get; private set; }

    public DsnNotify Notify { get; private set; }

    public DsnReturn Return { get; private set; }

    public string? EnvelopeId { get; private set; }

    public string? OriginalRecipient { get; private set; }

    public RouteTls Tls { get; private set; }

    public (string User, string Password)? Login { get; private set; }

    /// <summary>Transactions over the one connection.</summary>
    public int Times { get; private set; } = 1;

    public DeliveryOptions Options { get; } = new()
    {
        HostName = "mx.portal.test",
        GreetingTimeout = TimeSpan.FromSeconds(20),
        CommandTimeout = TimeSpan.FromSeconds(20),
        DataStartTimeout = TimeSpan.FromSeconds(20),
        DataEndTimeout = TimeSpan.FromSeconds(20),
    };

    public static PeerScript Read(string file)
    {
        var script = new PeerScript { Name = Path.GetFileName(file) };
        var number = 0;
        foreach (var text in File.ReadAllLines(file))
        {
            number++;
            if (text.StartsWith('#')) script.Direct(text[1..].Trim());
            else if (text.Length > 0) script.Lines.Add(PeerLine.Parse(number, text));
        }

        return script;
    }

    private void Direct(string text)
    {
        if (DirectivePattern().Match(text) is not { Success: true } match) return;
        var value = match.Groups[2].Value;
        switch (match.Groups[1].Value)
        {
            case "from": ReversePath = value == "<>" ? "" : value; break;
            case "to": Recipients = [.. value.Split(", ")]; break;
            case "content": Content = Escapes.Octets(value); break;
            case "needs": Needs = Enum.Parse<MessageNeeds>(value); break;
            case "notify": Notify = Enum.Parse<DsnNotify>(value); break;
            case "ret": Return = Enum.Parse<DsnReturn>(value); break;
            case "envid": EnvelopeId = value; break;
            case "orcpt": OriginalRecipient = value; break;
            case "tls": Tls = Enum.Parse<RouteTls>(value); break;
            case "login": Login = (value.Split(' ')[0], value.Split(' ')[1]); break;
            case "times": Times = int.Parse(value, CultureInfo.InvariantCulture); break;
            case "timeout": Options.CommandTimeout = Options.GreetingTimeout = Options.DataStartTimeout = Options.DataEndTimeout = TimeSpan.FromMilliseconds(int.Parse(value, CultureInfo.InvariantCulture)); break;
        }
    }

    [GeneratedRegex("^(from|to|content|needs|notify|ret|envid|orcpt|tls|login|times|timeout): (.+)$")]
    private static partial Regex DirectivePattern();
}

internal sealed partial record PeerLine(int Number, string Kind, int Times, string Text)
{
    public static PeerLine Parse(int number, string line)
    {
        var match = LinePattern().Match(line);
        if (!match.Success) throw new FormatException($"Line {number} is none of a peer: {line}");
        return new(number, match.Groups[1].Value, match.Groups[2].Success ? int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) : 1, match.Groups[3].Value);
    }

    public bool Matches(string? text) =>
        text is not null && Regex.IsMatch(text, "^" + Regex.Escape(Text).Replace("\\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.Singleline);

    [GeneratedRegex(@"^(CLOSED|CLOSE|TLS|NEXT|SILENT|C|S|==)(?:\*(\d+))?:? ?(.*)$")]
    private static partial Regex LinePattern();
}

/// <summary>Octets as a line of text.</summary>
internal static class Escapes
{
    public static byte[] Octets(string text)
    {
        var octets = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                octets.AddRange(System.Text.Encoding.UTF8.GetBytes([text[i]]));
                continue;
            }

            i++;
            octets.Add(text[i] switch
            {
                'r' => 13,
                'n' => 10,
                '0' => 0,
                'x' => byte.Parse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                _ => (byte)text[i],
            });
            if (text[i] == 'x') i += 2;
        }

        return [.. octets];
    }
}
