using System.Linq.Expressions;

namespace Portal.Core.Lists;

/// <summary>Which entries are meant; every part given must match.</summary>
public sealed record ListFilter
{
    public static readonly ListFilter All = new();

    /// <summary>Part of a sender or of a reason.</summary>
    public string? Text { get; init; }

    public ListKind? Kind { get; init; }

    /// <summary>Only what is for this domain's recipients.</summary>
    public Guid? DomainId { get; init; }

    internal IQueryable<ListEntry> Apply(IQueryable<ListEntry> entries)
    {
        if (Kind is { } kind) entries = entries.Where(e => e.Kind == kind);
        if (DomainId is { } domainId) entries = entries.Where(e => e.DomainId == domainId);
        if (Text?.Trim().ToLowerInvariant() is not { Length: > 0 } text) return entries;
        // A person may look for the international form, or for a host in a network typed as such.
        var pattern = ListDraft.TryRead(text, out _, out var normal) ? normal : text;
#pragma warning disable CA1304, CA1311, CA1862   // translated to SQL
        return entries.Where(e => e.Pattern.Contains(pattern) || e.Pattern.Contains(text) || (e.Reason != null && e.Reason.ToLower().Contains(text)));
#pragma warning restore CA1304, CA1311, CA1862
    }
}

/// <summary>What a list of entries is sorted by.</summary>
public enum ListSort
{
    Sender,
    Hits,
    LastHit,
    Expiry,
}

/// <summary>An entry as people see it.</summary>
/// <param name="Domain">The domain whose recipients it is for; null for everybody's.</param>
/// <param name="Hits">How often it decided.</param>
public sealed record ListRow(
    Guid Id, ListKind Kind, ListMatch Match, string Pattern, Guid? DomainId, string? Domain, DateTimeOffset? ExpiresAt, string? Reason, DateTimeOffset CreatedAt, string CreatedBy, long Hits, DateTimeOffset? LastHitAt, int Version)
{
    /// <summary>How many other entries say something else of some of the same mail.</summary>
    public int Conflicts { get; init; }

    internal ListedSender Listed => new(Id, Kind, Match, Pattern, DomainId, ExpiresAt);

    internal static Expression<Func<Joined, ListRow>> Shape => x => new ListRow(
        x.Entry.Id, x.Entry.Kind, x.Entry.Match, x.Entry.Pattern, x.Entry.DomainId, x.Domain, x.Entry.ExpiresAt, x.Entry.Reason, x.Entry.CreatedAt, x.Entry.CreatedBy, x.Hits.Count, x.Hits.LastAt, x.Entry.Version);

    internal sealed class Joined
    {
        public required ListEntry Entry { get; init; }

        public required ListHits Hits { get; init; }

        public string? Domain { get; init; }
    }
}

/// <summary>An entry that says something else of some of the same mail.</summary>
/// <param name="Other">The other entry.</param>
/// <param name="GivesWay">Whether the other one gives way, by its scope or because it is less exact; else it comes first.</param>
/// <param name="Because">What decides between the two: a key beside the page's words.</param>
public sealed record ListConflict(ListedSender Other, bool GivesWay, ListOrder Because);

/// <summary>By what one entry comes before another.</summary>
public enum ListOrder
{
    /// <summary>A network cannot be forged, a name can.</summary>
    Proof,

    /// <summary>It is for one domain, the other for all.</summary>
    Scope,

    /// <summary>An address before a domain before a network.</summary>
    Match,

    /// <summary>The longer domain, the smaller network.</summary>
    Exactness,

    /// <summary>Both match alike: the stricter.</summary>
    Strictness,
}
