using System.Security.Cryptography;
using System.Text;

namespace Portal.Core.Domains;

/// <summary>An MTA-STS policy as senders fetch it (RFC 8461 §3.2).</summary>
/// <param name="MaxAgeDays">How long they may keep it.</param>
/// <param name="MxHost">The one host that takes the domain's mail; A-label form, without a final dot.</param>
public sealed record MtaStsPolicy(MtaStsMode Mode, int MaxAgeDays, string MxHost)
{
    /// <summary>Stands before a domain's name in the name of the host that serves its policy (RFC 8461 §3.3).</summary>
    public const string HostPrefix = "mta-sts.";

    /// <summary>Where that host serves it.</summary>
    public const string Path = "/.well-known/mta-sts.txt";

    private const int IdLength = 32;   // RFC 8461 §3.1: at most

    /// <summary>The policy itself, its lines ended by CRLF.</summary>
    public string Text
    {
        get
        {
            var mx = Mode == MtaStsMode.None ? "" : $"mx: {MxHost}\r\n";
            return $"version: STSv1\r\nmode: {Word}\r\n{mx}max_age: {(long)TimeSpan.FromDays(MaxAgeDays).TotalSeconds}\r\n";
        }
    }

    /// <summary>What the TXT record calls it (RFC 8461 §3.1): another as soon as the text is, and the same on every node.</summary>
    public string Id => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)))[..IdLength];

    /// <summary>The TXT record that tells senders of it.</summary>
    public string Record => $"v=STSv1; id={Id}";

    private string Word => Mode switch { MtaStsMode.Testing => "testing", MtaStsMode.Enforce => "enforce", _ => "none" };
}
