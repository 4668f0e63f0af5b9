using System.Globalization;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Domains;

/// <summary>The steps in the life of a domain's keys, the same for people and for the job; whoever takes one saves it.</summary>
internal static class DkimKeySteps
{
    /// <summary>So long a record must stay after its key has signed for the last time: queues try for five days (RFC 5321 §4.5.4.1), and some verify later than they receive.</summary>
    public static readonly TimeSpan KeepRecordFor = TimeSpan.FromDays(7);

    /// <summary>Somebody who has just been told what to publish does so at once or on another day.</summary>
    private static readonly TimeSpan Eager = TimeSpan.FromDays(1);

    private static readonly TimeSpan SoonAgain = TimeSpan.FromMinutes(5);   // the job's next round
    private static readonly TimeSpan LaterAgain = TimeSpan.FromMinutes(55);

    /// <summary>Adds a pair that waits for its records.</summary>
    /// <param name="taken">Selectors the domain has.</param>
    /// <returns>The keys; none when the month has no selector left.</returns>
    public static IReadOnlyList<DkimKey> AddPair(PortalDbContext db, SecretBox secrets, Guid domainId, DkimKeyPair pair, IReadOnlyCollection<string> taken, DateTimeOffset now)
    {
        if (SuffixOf(taken, now) is not { } suffix) return [];
        DkimKey[] keys = [NewKey(secrets, domainId, pair.Rsa, "r" + suffix, now), NewKey(secrets, domainId, pair.Ed25519, "e" + suffix, now)];
        db.DkimKeys.AddRange(keys);
        db.Raise(Change.SigningKeys);
        return keys;
    }

    /// <summary>Opens a key.</summary>
    public static byte[] Open(SecretBox secrets, Guid id, byte[] box) => secrets.Open(nameof(DkimKey), id.ToString("N"), box);

    /// <summary>Takes down what the DNS said; when it has the records of all that wait, they sign from now on.</summary>
    /// <param name="keys">All keys of the domain that are not retired.</param>
    public static void Look(PortalDbContext db, Actor actor, Domain domain, IReadOnlyList<DkimKey> keys, IReadOnlyDictionary<Guid, KeyRecordState> looks, DateTimeOffset now)
    {
        foreach (var key in keys)
        {
            if (!looks.TryGetValue(key.Id, out var look)) continue;
            (key.LastCheckedAt, key.LastFound) = (now, look);
            if (key.State != DkimKeyState.Waiting) continue;
            key.NextCheckAt = now + (now - key.CreatedAt < Eager ? SoonAgain : LaterAgain);
            if (look != KeyRecordState.Failed) key.PublishedAt = look == KeyRecordState.Found ? key.PublishedAt ?? now : null;
        }

        var waiting = keys.Where(k => k.State == DkimKeyState.Waiting).ToList();
        if (waiting.Count > 0 && waiting.TrueForAll(k => looks.GetValueOrDefault(k.Id, KeyRecordState.Failed) == KeyRecordState.Found)) Activate(db, actor, domain, keys, now);
    }

    /// <summary>What waits signs from now on; what signed until now must only be found for a while.</summary>
    public static void Activate(PortalDbContext db, Actor actor, Domain domain, IReadOnlyList<DkimKey> keys, DateTimeOffset now)
    {
        var (before, after) = (keys.Where(k => k.State == DkimKeyState.Active).ToList(), keys.Where(k => k.State == DkimKeyState.Waiting).ToList());
        foreach (var key in before) (key.State, key.RetireAt, key.Version) = (DkimKeyState.Retiring, now + KeepRecordFor, key.Version + 1);
        foreach (var key in after) (key.State, key.ActivatedAt, key.NextCheckAt, key.Version) = (DkimKeyState.Active, now, null, key.Version + 1);
        db.Audit.Add(AuditEntry.Change(actor, now, "domain.dkim.activate", domain.DisplayName, before.Count == 0 ? null : Shown(before), Shown(after), domain.Id));
        Raise(db);
    }

    /// <summary>Its private key goes; the record may.</summary>
    public static void Retire(DkimKey key, DateTimeOffset now) =>
        (key.State, key.PrivateKey, key.NextCheckAt, key.RetireAt, key.Version) = (DkimKeyState.Retired, null, null, key.RetireAt ?? now, key.Version + 1);

    public static object Shown(IEnumerable<DkimKey> keys) => new { selectors = SelectorsOf(keys) };

    public static string[] SelectorsOf(IEnumerable<DkimKey> keys) => [.. keys.OrderBy(k => k.Algorithm).Select(k => k.Selector)];

    public static void Raise(PortalDbContext db)
    {
        db.Raise(Change.SigningKeys);
        db.Raise(Change.Audit);
    }

    /// <summary>The month and the letter behind the last one: a name that verifiers may remember is not given to another key.</summary>
    internal static string? SuffixOf(IReadOnlyCollection<string> taken, DateTimeOffset now)
    {
        var month = now.UtcDateTime.ToString("yyyyMM", CultureInfo.InvariantCulture);
        var last = taken.Where(s => s.Length == month.Length + 2 && s.AsSpan(1).StartsWith(month, StringComparison.Ordinal)).Select(s => s[^1]).DefaultIfEmpty((char)('a' - 1)).Max();
        return last < 'z' ? $"{month}{(char)(last + 1)}" : null;
    }

    private static DkimKey NewKey(SecretBox secrets, Guid domainId, DkimKeyMaterial material, string selector, DateTimeOffset now)
    {
        var id = Guid.CreateVersion7();
        return new()
        {
            Id = id,
            DomainId = domainId,
            Selector = selector,
            Algorithm = material.Algorithm,
            PublicKey = material.PublicKey,
            PrivateKey = secrets.Seal(nameof(DkimKey), id.ToString("N"), material.PrivateKey),
            CreatedAt = now,
            NextCheckAt = now,
        };
    }
}
