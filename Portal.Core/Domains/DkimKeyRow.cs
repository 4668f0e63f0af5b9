namespace Portal.Core.Domains;

/// <summary>A key as its page shows it, with the record to publish.</summary>
public sealed record DkimKeyRow(
    Guid Id, string Selector, SigningAlgorithm Algorithm, DkimKeyState State, DkimRecord Record, DateTimeOffset CreatedAt, DateTimeOffset? PublishedAt, DateTimeOffset? ActivatedAt, DateTimeOffset? RetireAt,
    DateTimeOffset? LastCheckedAt, KeyRecordState? LastFound)
{
    internal static DkimKeyRow Of(DkimKey key, string domain) => new(
        key.Id, key.Selector, key.Algorithm, key.State, DkimRecord.Of(domain, key.Selector, key.Algorithm, key.PublicKey), key.CreatedAt, key.PublishedAt, key.ActivatedAt, key.RetireAt, key.LastCheckedAt, key.LastFound);
}

/// <summary>The keys of a domain and when they change.</summary>
/// <param name="RotateEveryMonths">Null for only when somebody says so.</param>
/// <param name="NextRotationAt">When a new pair is made by itself; null when none will be.</param>
/// <param name="Version">The domain's.</param>
/// <param name="Keys">The newest first.</param>
public sealed record DkimKeySet(Guid DomainId, string DisplayName, int? RotateEveryMonths, DateTimeOffset? NextRotationAt, int Version, IReadOnlyList<DkimKeyRow> Keys)
{
    /// <summary>Keys in one state, RSA first.</summary>
    public IReadOnlyList<DkimKeyRow> In(DkimKeyState state) => [.. Keys.Where(k => k.State == state).OrderBy(k => k.Algorithm)];
}
