using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;

namespace Portal.Core.Jobs;

/// <summary>A row that was left alone, and why: a key of the Jobs resource.</summary>
public sealed record WorkRefusal(string Address, string Key);

/// <summary>What work left alone, kept in its row.</summary>
internal static class WorkResults
{
    private const int MaxKept = 1_000;

    public static IReadOnlyList<WorkRefusal> Read(string? json) => json is null ? [] : JsonSerializer.Deserialize<List<WorkRefusal>>(json)!;

    /// <summary>Adds what a turn left alone, in its transaction.</summary>
    public static async Task AddAsync(PortalDbContext db, Work work, IReadOnlyCollection<WorkRefusal> refused, CancellationToken cancel)
    {
        if (refused.Count == 0) return;
        var all = JsonSerializer.Serialize(Read(work.Results).Concat(refused).Take(MaxKept));
        await db.Work.Where(w => w.Id == work.Id).ExecuteUpdateAsync(w => w.SetProperty(x => x.Results, all), cancel);
    }
}
