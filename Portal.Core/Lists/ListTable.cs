using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using Portal.Core.Addresses;

namespace Portal.Core.Lists;

/// <summary>An entry as the engine knows it.</summary>
public sealed record ListedSender(Guid Id, ListKind Kind, ListMatch Match, string Pattern, Guid? DomainId, DateTimeOffset? ExpiresAt)
{
    /// <summary>Name of the domain whose recipients it is for; null for everybody's.</summary>
    public string? Domain { get; init; }

    /// <summary>What a network covers; of no meaning for the others.</summary>
    internal NetworkRange Range { get; } = Match == ListMatch.Network ? NetworkRange.Of(IPNetwork.Parse(Pattern)) : default;

    internal bool CountsAt(DateTimeOffset now) => ExpiresAt is null || ExpiresAt > now;
}

/// <summary>What the lists say of a sender.</summary>
/// <param name="Decisive">The entry that decides.</param>
/// <param name="Overruled">The most exact one that says otherwise and gives way to it; null when none does.</param>
public sealed record ListAnswer(ListedSender Decisive, ListedSender? Overruled);

/// <summary>
/// All entries, made to be asked for each domain a message goes to. An entry of the recipient's domain comes before one for everybody; then
/// the more exact: address, domain (the longer first), network (the smaller first); of two alike the stricter. But a name can be forged and
/// a network cannot: a block of a network gives way to no name that is let through.
/// </summary>
internal sealed class ListTable
{
    public static readonly ListTable Empty = new([]);

    private readonly FrozenDictionary<(Guid? DomainId, ListMatch Match, string Pattern), ListedSender> senders;
    private readonly FrozenDictionary<(Guid? DomainId, NetworkRange Range), ListedSender> networks;
    private readonly int[] prefixes;   // longest first
    private readonly FrozenDictionary<(Guid? DomainId, ListKind Kind, ListMatch Match), DateTimeOffset> latest;

    public ListTable(IReadOnlyList<ListedSender> entries)
    {
        Entries = entries;
        senders = entries.Where(e => e.Match != ListMatch.Network).ToFrozenDictionary(e => (e.DomainId, e.Match, e.Pattern));
        networks = entries.Where(e => e.Match == ListMatch.Network).ToFrozenDictionary(e => (e.DomainId, e.Range));
        prefixes = [.. networks.Keys.Select(k => k.Range.Prefix).Distinct().OrderDescending()];
        latest = entries.GroupBy(e => (e.DomainId, e.Kind, e.Match)).ToFrozenDictionary(g => g.Key, g => g.Max(e => e.ExpiresAt ?? DateTimeOffset.MaxValue));
    }

    public IReadOnlyList<ListedSender> Entries { get; }

    /// <summary>What the lists say of mail from <paramref name="sender"/> to somebody in <paramref name="domainId"/>; null when they say nothing.</summary>
    public ListAnswer? Find(SenderFacts sender, Guid? domainId, DateTimeOffset now)
    {
        if (Entries.Count == 0) return null;
        var networks = NetworksOf(sender, domainId).Where(e => e.CountsAt(now)).ToList();
        var all = NamesOf(sender, domainId).Where(e => e.CountsAt(now)).Concat(networks).ToList();
        if (all.Count == 0) return null;

        var isBlocked = networks is [{ Kind: not ListKind.Allow }, ..];
        var decisive = First(all.Where(e => e.Match == ListMatch.Network ? e == networks[0] : !isBlocked || e.Kind != ListKind.Allow))!;
        return new(decisive, First(all.Where(e => e.Kind != decisive.Kind)));
    }

    /// <summary>
    /// Whether another entry could come before <paramref name="decisive"/> once the From field is known: who is refused at RCPT must not be
    /// somebody whose message would have been let through, or kept back.
    /// </summary>
    public bool CouldGiveWay(ListedSender decisive, Guid? domainId, DateTimeOffset now)
    {
        foreach (var kind in new[] { ListKind.Allow, ListKind.Quarantine })
        {
            if (kind == ListKind.Allow && decisive.Match == ListMatch.Network) continue;
            foreach (var match in new[] { ListMatch.Domain, ListMatch.Address })
            {
                var isMoreExact = match > decisive.Match || (match == ListMatch.Domain && decisive.Match == ListMatch.Domain);   // a longer domain
                if (isMoreExact && Has(decisive.DomainId, kind, match, now)) return true;
                if (decisive.DomainId is null && domainId is not null && Has(domainId, kind, match, now)) return true;
            }
        }

        return false;
    }

    /// <summary>Entries that say something else of some of the same mail as <paramref name="entry"/> does, the most exact first.</summary>
    public IEnumerable<ListedSender> Against(ListedSender entry, DateTimeOffset now) =>
        Entries.Where(e => IsAgainst(e, entry, now))
            .OrderByDescending(e => e.DomainId is not null).ThenByDescending(e => e.Match).ThenByDescending(e => e.Pattern.Length).ThenBy(e => e.Pattern, StringComparer.Ordinal);

    /// <summary>How many there are.</summary>
    public int CountAgainst(ListedSender entry, DateTimeOffset now) => Entries.Count(e => IsAgainst(e, entry, now));

    /// <summary>By what mail that both match goes by one of them, and which: true for <paramref name="entry"/>.</summary>
    public static (bool IsFirst, ListOrder By) Order(ListedSender entry, ListedSender other)
    {
        if (IsForgeable(entry, other)) return (false, ListOrder.Proof);
        if (IsForgeable(other, entry)) return (true, ListOrder.Proof);
        if (entry.DomainId is null != other.DomainId is null) return (entry.DomainId is not null, ListOrder.Scope);
        if (entry.Match != other.Match) return (entry.Match > other.Match, ListOrder.Match);
        var (exact, otherExact) = entry.Match switch
        {
            ListMatch.Network => (entry.Range.Prefix, other.Range.Prefix),
            ListMatch.Domain => (entry.Pattern.Length, other.Pattern.Length),
            _ => (0, 0),
        };
        return exact != otherExact ? (exact > otherExact, ListOrder.Exactness) : (entry.Kind > other.Kind, ListOrder.Strictness);
    }

    private static bool ComesBefore(ListedSender entry, ListedSender other) => Order(entry, other).IsFirst;

    private static ListedSender? First(IEnumerable<ListedSender> entries) => entries.Aggregate((ListedSender?)null, (first, e) => first is null || ComesBefore(e, first) ? e : first);

    private static bool IsForgeable(ListedSender entry, ListedSender other) =>
        entry is { Kind: ListKind.Allow, Match: not ListMatch.Network } && other is { Kind: not ListKind.Allow, Match: ListMatch.Network };

    private bool Has(Guid? domainId, ListKind kind, ListMatch match, DateTimeOffset now) => latest.TryGetValue((domainId, kind, match), out var end) && end > now;

    /// <summary>The entries of the recipient's domain and of everybody that name the sender.</summary>
    private IEnumerable<ListedSender> NamesOf(SenderFacts sender, Guid? domainId)
    {
        foreach (var scope in ScopesOf(domainId))
        {
            foreach (var (match, names) in new[] { (ListMatch.Address, sender.Addresses), (ListMatch.Domain, sender.Domains) })
                foreach (var name in names)
                    if (senders.TryGetValue((scope, match, name.Text), out var entry) && (name.MayAllow || entry.Kind != ListKind.Allow)) yield return entry;
        }
    }

    /// <summary>The entries for the client's network, in the order in which they count.</summary>
    private IEnumerable<ListedSender> NetworksOf(SenderFacts sender, Guid? domainId)
    {
        if (sender.Client is not { } client || prefixes.Length == 0) yield break;
        var isV4 = client.AddressFamily == AddressFamily.InterNetwork || client.IsIPv4MappedToIPv6;
        foreach (var scope in ScopesOf(domainId))
        {
            foreach (var prefix in prefixes)
            {
                if (isV4 && prefix < NetworkRange.V4Bits) break;   // "::/64" means no network of IPv4
                if (networks.TryGetValue((scope, NetworkRange.Of(client, prefix)), out var entry)) yield return entry;
            }
        }
    }

    private static Guid?[] ScopesOf(Guid? domainId) => domainId is null ? [null] : [domainId, null];

    private static bool IsAgainst(ListedSender other, ListedSender entry, DateTimeOffset now) =>
        other.Id != entry.Id && other.Kind != entry.Kind && (other.DomainId is null || entry.DomainId is null || other.DomainId == entry.DomainId) && other.CountsAt(now) && Overlap(other, entry);

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
}
