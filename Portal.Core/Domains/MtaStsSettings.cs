using System.Collections.Frozen;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Domains;

/// <summary>
/// What every domain that takes mail says of its transport, all of it in memory: strangers ask for whatever name they like, and one that
/// is none of ours costs no query. Right within a second of a change on every node.
/// </summary>
public sealed class MtaStsSettings(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed, TimeProvider clock) : IDisposable
{
    // About 200 bytes each.
    private const int MaxDomains = 200_000;

    private readonly ChangeFedCache<int, FrozenDictionary<string, MtaStsSetting>> kept = new(feed, clock, Change.Directory, 1);
    private readonly SemaphoreSlim turn = new(1);

    /// <summary>What a domain says; null when it is none of ours, is disabled, or never had a policy. An outage of the database throws.</summary>
    /// <param name="domain">A-label form, lower case.</param>
    public async ValueTask<MtaStsSetting?> FindAsync(string domain, CancellationToken cancel)
    {
        if (!kept.TryGet(0, out var all)) all = await ReadAsync(cancel);
        return all.GetValueOrDefault(domain);
    }

    public void Dispose() => turn.Dispose();

    // Whoever comes after a change waits for one read, however many they are.
    private async Task<FrozenDictionary<string, MtaStsSetting>> ReadAsync(CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            return (await kept.GetAsync(0, LoadAsync, cancel))!;
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<FrozenDictionary<string, MtaStsSetting>?> LoadAsync(int key, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var domains = await db.Domains.AsNoTracking()
            .Where(d => !d.IsDisabled && !db.Domains.Any(t => t.Id == d.AliasOfId && t.IsDisabled))
            .Where(d => d.MtaStsMode != MtaStsMode.None || d.MtaStsHeldUntil != null)
            .OrderBy(d => d.Name)
            .Take(MaxDomains)
            .Select(d => new { d.Name, Setting = new MtaStsSetting(d.MtaStsMode, d.MtaStsMaxAgeDays, d.MtaStsHeldUntil) })
            .ToListAsync(cancel);
        return domains.ToFrozenDictionary(d => d.Name, d => d.Setting, StringComparer.Ordinal);
    }
}
