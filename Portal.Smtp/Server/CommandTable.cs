using System.Collections.Frozen;
using System.Text;

namespace Portal.Smtp.Server;

/// <summary>The verbs, found without a string for each line.</summary>
internal sealed class CommandTable
{
    private const int LongestVerb = 16;
    private readonly FrozenDictionary<string, ISmtpCommand>.AlternateLookup<ReadOnlySpan<char>> verbs;

    public CommandTable(IEnumerable<ISmtpCommand> commands) =>
        verbs = commands.ToFrozenDictionary(c => c.Verb, StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The command of this verb in any case (RFC 5321 §2.4); null when there is none.</summary>
    public ISmtpCommand? Find(ReadOnlySpan<byte> verb)
    {
        Span<char> text = stackalloc char[LongestVerb];
        return verb.Length <= LongestVerb && Encoding.ASCII.TryGetChars(verb, text, out var length) && verbs.TryGetValue(text[..length], out var command) ? command : null;
    }
}
