using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Policies;

/// <summary>A policy as the engine reads it: in memory, right within a second of a change on every node.</summary>
public sealed class CurrentPolicy<T>(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed, TimeProvider clock)
    where T : class, IPolicy<T>, new()
{
    private readonly ChangeFedCache<int, T> kept = new(feed, clock, Change.Settings, 1);

    /// <summary>The policy now; as shipped where nobody changed it.</summary>
    public ValueTask<T> GetAsync(CancellationToken cancel) => kept.TryGet(0, out var fresh) ? new(fresh) : new(ReadAsync(cancel));

    private async Task<T> ReadAsync(CancellationToken cancel) => (await kept.GetAsync(0, LoadAsync, cancel))!;

    private async Task<T?> LoadAsync(int key, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return PolicyForm.Read<T>((await PolicyForm.RowOf<T>(db).AsNoTracking().SingleOrDefaultAsync(cancel))?.Value);
    }
}
