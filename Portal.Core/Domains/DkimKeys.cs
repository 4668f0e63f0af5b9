using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Domains;

/// <summary>A key that signs.</summary>
/// <param name="Domain">A-label form, as in d=.</param>
/// <param name="PrivateKey">PKCS #8 for RSA, the seed of 32 octets for Ed25519; never to be changed by who reads it.</param>
public sealed record DkimSigningKey(string Domain, string Selector, SigningAlgorithm Algorithm, byte[] PrivateKey);

/// <summary>The keys that sign a domain's mail, opened once and kept for the hot path; right within a second of a change on every node.</summary>
public sealed class DkimKeys(IDbContextFactory<PortalDbContext> databases, SecretBox secrets, ChangeFeed feed, TimeProvider clock)
{
    // About 1.5 KB each: those that send just now fit, however many domains there are.
    private const int MaxDomains = 20_000;

    private readonly ChangeFedCache<string, IReadOnlyList<DkimSigningKey>> keys = new(feed, clock, Change.SigningKeys, MaxDomains);

    /// <summary>The keys to sign with, RSA first; none for a domain that has none, or is none of ours. An outage of the database throws.</summary>
    /// <param name="domain">A-label form, lower case.</param>
    public async ValueTask<IReadOnlyList<DkimSigningKey>> ForAsync(string domain, CancellationToken cancel) => await keys.GetAsync(domain, LoadAsync, cancel) ?? [];

    /// <summary>Never null: that a domain has none is remembered too, as whoever makes its keys raises the change.</summary>
    private async Task<IReadOnlyList<DkimSigningKey>?> LoadAsync(string domain, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var active = await (from d in db.Domains.AsNoTracking()
                            join k in db.DkimKeys on d.Id equals k.DomainId
                            where d.Name == domain && k.State == DkimKeyState.Active
                            orderby k.Algorithm, k.Selector
                            select k).Take(DkimChecker.MaxKeys).ToListAsync(cancel);
        return [.. active.Where(k => k.PrivateKey is not null).Select(k => new DkimSigningKey(domain, k.Selector, k.Algorithm, DkimKeySteps.Open(secrets, k.Id, k.PrivateKey!)))];
    }
}
