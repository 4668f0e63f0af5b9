using System.Net;
using Portal.Core.Addresses;

namespace Portal.Core.Trace;

/// <summary>What can be found: the terms of a trace, and the terms a person's words ask for. Both are made here, so that they meet.</summary>
public static class TraceText
{
    /// <summary>Longest term kept; longer ones are cut alike on both sides.</summary>
    public const int MaxTermLength = 320;

    /// <summary>Most words a search looks at.</summary>
    public const int MaxWords = 8;

    /// <summary>Every term one trace is found by: sender, recipients, their domains, Message-ID, client address.</summary>
    public static IReadOnlySet<string> TermsOf(MessageTrace trace, IEnumerable<string> recipients)
    {
        var terms = new HashSet<string>(StringComparer.Ordinal);
        AddAddress(terms, trace.ReversePath);
        foreach (var recipient in recipients) AddAddress(terms, recipient);
        if (trace.MessageIdHeader is { Length: > 0 } id) terms.Add(Fold(id));
        if (trace.ClientAddress is { Length: > 0 } client) terms.Add(FoldClient(client));
        return terms;
    }

    /// <summary>
    /// Reads a search field: each word is a queue id, an address, "@domain" or domain, a Message-ID or a network address, and all
    /// must match. Null when a word is none of these.
    /// </summary>
    public static TraceSearch? Read(string? text)
    {
        var search = new TraceSearch([], []);
        foreach (var word in (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(MaxWords))
        {
            if (Guid.TryParse(word, out var queueId)) search.QueueIds.Add(queueId);
            else if (AlternativesOf(word.Trim('<', '>', ',', ';')) is { Count: > 0 } alternatives) search.Terms.Add(alternatives);
            else return null;
        }

        return search;
    }

    private static List<string> AlternativesOf(string word)
    {
        if (word.Length == 0) return [];
        if (IPAddress.TryParse(word, out _)) return [FoldClient(word)];
        if (word.StartsWith('@')) return DomainName.TryParse(word[1..], out var named) ? [Cut($"@{named.Value}")] : [];
        if (!word.Contains('@', StringComparison.Ordinal)) return DomainName.TryParse(word, out var domain) && domain.Value.Contains('.', StringComparison.Ordinal) ? [Cut($"@{domain.Value}"), Fold(word)] : [];

        // An address and a Message-ID look alike: either may be meant.
        List<string> alternatives = [Fold(word)];
        if (MailAddress.TryParse(word, out var address) && Cut(address.Folded) != alternatives[0]) alternatives.Add(Cut(address.Folded));
        return alternatives;
    }

    private static void AddAddress(HashSet<string> terms, string? text)
    {
        if (string.IsNullOrEmpty(text)) return;
        if (!MailAddress.TryParse(text, out var address))
        {
            terms.Add(Fold(text));
            return;
        }

        terms.Add(Cut(address.Folded));
        if (address.AddressLiteral is null) terms.Add(Cut($"@{address.Domain.Value}"));
    }

    private static string FoldClient(string text) =>
        IPAddress.TryParse(text, out var address) ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : Fold(text);

    // NUL can be in what a client said, never in a text of PostgreSQL.
    private static string Fold(string text) => Cut(text.Trim('<', '>').Replace("\0", "", StringComparison.Ordinal).ToLowerInvariant());

    private static string Cut(string term) => term.Length <= MaxTermLength ? term : term[..MaxTermLength];
}

/// <summary>A search field, read.</summary>
/// <param name="QueueIds">Queue ids named; more than one different matches nothing.</param>
/// <param name="Terms">One list of alternatives for each other word.</param>
public sealed record TraceSearch(IList<Guid> QueueIds, IList<IReadOnlyList<string>> Terms)
{
    /// <summary>Whether a trace with these terms is meant.</summary>
    public bool Matches(Guid queueId, IReadOnlySet<string> terms) =>
        QueueIds.All(id => id == queueId) && Terms.All(alternatives => alternatives.Any(terms.Contains));
}
