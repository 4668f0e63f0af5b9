using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using Portal.Core.Addresses;

namespace Portal.Core.Lists;

/// <summary>What is known of a message's sender.</summary>
/// <param name="ReversePath">Envelope sender, folded; null for the null reverse-path or one that is no address.</param>
/// <param name="From">Addresses of the From field, folded; empty before there is a message.</param>
/// <param name="Client">Whose connection it is; null where there is none.</param>
public sealed record SenderFacts(string? ReversePath, IReadOnlyList<string> From, IPAddress? Client)
{
    /// <summary>Reads addresses that others wrote; what is none is left out.</summary>
    public static SenderFacts Of(string reversePath, IEnumerable<string> from, IPAddress? client) => new(Fold(reversePath), [.. from.Select(Fold).OfType<string>().Distinct()], client);

    private static string? Fold(string text) => MailAddress.TryParse(text, out var address) ? address.Folded : null;
}

/// <summary>An entry as the engine knows it.</summary>
public sealed record ListedSender(Guid Id, ListKind Kind, ListMatch Match, string Pattern, Guid? DomainId, DateTimeOffset? ExpiresAt)
{
    /// <summary>What a network covers; of no meaning for the others.</summary>
    internal NetworkRange Range { get; } = Match == ListMatch.Network ? NetworkRange.Of(IPNetwork.Parse(Pattern)) : default;

    internal bool CountsAt(DateTimeOffset now) => ExpiresAt is null || ExpiresAt > now;
}

/// <summary>What the lists say of a sender.</summary>
/// <param name="Decisive">The entry that decides.</param>
/// <param name="Overruled">The most exact one that says otherwise and gives way to it; null when none does.</param>
public sealed record ListAnswer(ListedSender Decisive, ListedSender? Overruled);

/// <summary>
/// All entries, made to be asked once a recipient. An entry of the recipient's domain comes before one for everybody; then the more exact:
/// address, domain (the longer first), network (the smaller first); of two alike the stricter.
/// </summary>
internal sealed class ListTable
{
    public static readonly ListTable Empty = new([]);

    private readonly FrozenDictionary<(Guid? DomainId, ListMatch Match, string Pattern), ListedSender> senders;
    private readonly FrozenDictionary<(Guid? DomainId, NetworkRange Range), ListedSender> networks;
    private readonly int[] prefixes;   // longest first
    private readonly FrozenDictionary<Guid, ListMatch> mostExactAllowByDomain;
    private readonly ListMatch? mostExactAllowEverywhere;

    public ListTable(IReadOnlyList<ListedSender> entries)
    {
        Entries = entries;
        senders = entries.Where(e => e.Match != ListMatch.Network).ToFrozenDictionary(e => (e.DomainId, e.Match, e.Pattern));
        networks = entries.Where(e => e.Match == ListMatch.Network).ToFrozenDictionary(e => (e.DomainId, e.Range));
        prefixes = [.. networks.Keys.Select(k => k.Range.Prefix).Distinct().OrderDescending()];
        var allows = entries.Where(e => e is { Kind: ListKind.Allow, Match: not ListMatch.Network }).ToList();
        mostExactAllowByDomain = allows.Where(e => e.DomainId is not null).GroupBy(e => e.DomainId!.Value).ToFrozenDictionary(g => g.Key, g => g.Max(e => e.Match));
        mostExactAllowEverywhere = allows.Where(e => e.DomainId is null).Select(e => (ListMatch?)e.Match).Max();
    }

    public IReadOnlyList<ListedSender> Entries { get; }

    /// <summary>What the lists say of mail from <paramref name="sender"/> to somebody in <paramref name="domainId"/>; null when they say nothing.</summary>
    public ListAnswer? Find(SenderFacts sender, Guid? domainId, DateTimeOffset now)
    {
        if (Entries.Count == 0) return null;
        ListedSender? decisive = null, overruled = null;
        foreach (var entry in Matching(sender, domainId).Where(e => e.CountsAt(now)))
        {
            if (decisive is null) decisive = entry;
            else if (IsAlike(entry, decisive) && entry.Kind > decisive.Kind) (decisive, overruled) = (entry, decisive);
            else if (entry.Kind != decisive.Kind) overruled ??= entry;
            if (overruled is not null && !IsAlike(entry, decisive)) break;
        }

        return decisive is null ? null : new(decisive, overruled);
    }

    /// <summary>
    /// Whether an entry that lets mail through could come before <paramref name="decisive"/> once the From field is known: who is refused
    /// at RCPT must not be somebody whom the message itself would have saved.
    /// </summary>
    public bool CouldGiveWay(ListedSender decisive, Guid? domainId)
    {
        if (decisive.DomainId is null && domainId is { } id && mostExactAllowByDomain.ContainsKey(id)) return true;
        ListMatch? exact = decisive.DomainId is { } own ? (mostExactAllowByDomain.TryGetValue(own, out var match) ? match : null) : mostExactAllowEverywhere;
        return exact > decisive.Match || (exact == ListMatch.Domain && decisive.Match == ListMatch.Domain);   // a longer domain is the more exact
    }

    /// <summary>Entries that say something else of some of the same mail as <paramref name="entry"/> does, the most exact first.</summary>
    public IEnumerable<ListedSender> Against(ListedSender entry) =>
        Entries.Where(e => e.Id != entry.Id && e.Kind != entry.Kind && (e.DomainId is null || entry.DomainId is null || e.DomainId == entry.DomainId) && Overlap(e, entry))
            .OrderByDescending(e => e.DomainId is not null).ThenByDescending(e => e.Match).ThenByDescending(e => e.Pattern.Length).ThenBy(e => e.Pattern, StringComparer.Ordinal);

    /// <summary>Whether mail that both match goes by <paramref name="entry"/> rather than by <paramref name="other"/>.</summary>
    public static bool ComesBefore(ListedSender entry, ListedSender other)
    {
        if (entry.DomainId is null != other.DomainId is null) return entry.DomainId is not null;
        if (entry.Match != other.Match) return entry.Match > other.Match;
        var (exact, otherExact) = entry.Match == ListMatch.Network ? (entry.Range.Prefix, other.Range.Prefix) : (entry.Pattern.Length, other.Pattern.Length);
        return exact != otherExact ? exact > otherExact : entry.Kind > other.Kind;
    }

    /// <summary>The entries that match, in the order in which they count; of alike ones in any.</summary>
    private IEnumerable<ListedSender> Matching(SenderFacts sender, Guid? domainId) =>
        domainId is null ? MatchingIn(null, sender) : MatchingIn(domainId, sender).Concat(MatchingIn(null, sender));

    private IEnumerable<ListedSender> MatchingIn(Guid? scope, SenderFacts sender)
    {
        var addresses = sender.ReversePath is { } path ? sender.From.Append(path).Distinct() : sender.From;
        foreach (var address in addresses)
            if (senders.TryGetValue((scope, ListMatch.Address, address), out var entry)) yield return entry;

        foreach (var domain in addresses.SelectMany(DomainsOf).Distinct().OrderByDescending(d => d.Length))
            if (senders.TryGetValue((scope, ListMatch.Domain, domain), out var entry)) yield return entry;

        if (sender.Client is null || prefixes.Length == 0) yield break;
        foreach (var prefix in prefixes)
            if (networks.TryGetValue((scope, NetworkRange.Of(sender.Client, prefix)), out var entry)) yield return entry;
    }

    private static bool IsAlike(ListedSender one, ListedSender other) =>
        one.DomainId == other.DomainId && one.Match == other.Match && (one.Match == ListMatch.Address || (one.Match == ListMatch.Domain && one.Pattern.Length == other.Pattern.Length));

    private static bool Overlap(ListedSender one, ListedSender other)
    {
        if (one.Match == ListMatch.Network || other.Match == ListMatch.Network) return one.Match == other.Match && one.Range.Overlaps(other.Range);
        if (one.Match == other.Match && one.Match == ListMatch.Address) return one.Pattern == other.Pattern;
        return one.Match == ListMatch.Domain && IsWithin(DomainOf(other.Pattern), one.Pattern) || other.Match == ListMatch.Domain && IsWithin(DomainOf(one.Pattern), other.Pattern);
    }

    private static bool IsWithin(ReadOnlySpan<char> domain, string above) =>
        domain.EndsWith(above, StringComparison.Ordinal) && (domain.Length == above.Length || domain[^(above.Length + 1)] == '.');

    /// <summary>What stands behind the last @; a domain is its own.</summary>
    private static ReadOnlySpan<char> DomainOf(string pattern) => pattern.AsSpan(pattern.LastIndexOf('@') + 1);

    /// <summary>The domain of an address and all above it.</summary>
    private static IEnumerable<string> DomainsOf(string address)
    {
        var domain = address[(address.LastIndexOf('@') + 1)..];
        while (true)
        {
            yield return domain;
            var dot = domain.IndexOf('.', StringComparison.Ordinal);
            if (dot < 0) yield break;
            domain = domain[(dot + 1)..];
        }
    }
}

/// <summary>A network of either family in the form of IPv6, so that one comparison serves both.</summary>
/// <param name="Bits">Its own address; nothing is set beyond the prefix.</param>
/// <param name="Prefix">0 to 128.</param>
internal readonly record struct NetworkRange(UInt128 Bits, int Prefix)
{
    public static NetworkRange Of(IPNetwork network) =>
        Of(network.BaseAddress, network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? network.PrefixLength + 96 : network.PrefixLength);

    /// <param name="prefix">As of an IPv6 address.</param>
    public static NetworkRange Of(IPAddress address, int prefix)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new(Masked(BinaryPrimitives.ReadUInt128BigEndian(bytes), prefix), prefix);
    }

    /// <summary>Networks overlap only where one holds the other.</summary>
    public bool Overlaps(NetworkRange other) => Math.Min(Prefix, other.Prefix) is var common && Masked(Bits, common) == Masked(other.Bits, common);

    private static UInt128 Masked(UInt128 bits, int prefix) => prefix == 0 ? 0 : bits & (UInt128.MaxValue << (128 - prefix));
}
