using System.Net;
using Portal.Core.Addresses;
using Portal.Core.Messages;

namespace Portal.Core.Lists;

/// <summary>An address or a domain by which a sender is looked up.</summary>
/// <param name="MayAllow">Whether an entry that lets mail through counts by it; one that refuses always does.</param>
public readonly record struct SenderName(string Text, bool MayAllow);

/// <summary>What is known of a message's sender, made ready once to be looked up for each recipient.</summary>
public sealed class SenderFacts
{
    private SenderFacts(IReadOnlyList<SenderName> addresses, IPAddress? client)
    {
        Addresses = addresses;
        Domains = [.. addresses.SelectMany(a => DomainsOf(a.Text).Select(d => a with { Text = d })).GroupBy(d => d.Text).Select(g => new SenderName(g.Key, g.Any(d => d.MayAllow))).OrderByDescending(d => d.Text.Length)];
        Client = client;
    }

    /// <summary>Envelope sender and authors, folded, each once.</summary>
    public IReadOnlyList<SenderName> Addresses { get; }

    /// <summary>Their domains and all above them, the longest first.</summary>
    public IReadOnlyList<SenderName> Domains { get; }

    /// <summary>Whose connection it is; null where there is none.</summary>
    public IPAddress? Client { get; }

    /// <summary>What envelope and network say.</summary>
    /// <param name="reversePath">As MAIL named it; empty for the null reverse-path.</param>
    public static SenderFacts OfEnvelope(string reversePath, IPAddress? client) => new(Fold(reversePath) is { } path ? [new(path, true)] : [], client);

    /// <summary>
    /// The same with the authors of the message. Any of them can have it refused; an author lets it through only where there is just one, and
    /// nothing of From is unread: others' programs may show another one than we read.
    /// </summary>
    public static SenderFacts Of(string reversePath, MessageHead head, IPAddress? client)
    {
        var authors = head.FromAddresses.Select(Fold).OfType<string>().Distinct().ToList();
        var isOne = head is { FromCount: 1, IsFromCut: false, FromAddresses.Count: 1 };
        var path = Fold(reversePath);
        return new([.. path is null ? [] : new[] { new SenderName(path, true) }, .. authors.Where(a => a != path).Select(a => new SenderName(a, isOne))], client);
    }

    private static string? Fold(string text) => MailAddress.TryParse(text, out var address) ? address.Folded : null;

    /// <summary>The domain of an address and all above it but the last label alone, which no entry names.</summary>
    private static IEnumerable<string> DomainsOf(string address)
    {
        var domain = address[(address.LastIndexOf('@') + 1)..];
        for (var dot = domain.IndexOf('.', StringComparison.Ordinal); dot > 0; dot = domain.IndexOf('.', StringComparison.Ordinal))
        {
            yield return domain;
            domain = domain[(dot + 1)..];
        }
    }
}
