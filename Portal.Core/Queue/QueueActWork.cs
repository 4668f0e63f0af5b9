using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;

namespace Portal.Core.Queue;

/// <summary>What a large act is to do: the filter or ids as they were decided, up to the last entry that was there then.</summary>
internal sealed record QueueActInput(QueueAct Act, QueueFilter Filter, IReadOnlyList<long>? Ids, IReadOnlyList<string>? Domains, long LastId);

/// <summary>An act on more than 500 entries, in turns; the cursor is the id of the last entry done.</summary>
internal sealed class QueueActWork(TimeProvider clock) : IWorkKind
{
    public const string KindName = "queue.act";

    public string Kind => KindName;

    public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
    {
        var input = JsonSerializer.Deserialize<QueueActInput>(work.Input)!;
        var after = work.Cursor is null ? 0 : long.Parse(work.Cursor, CultureInfo.InvariantCulture);
        var selected = input.Ids is { } ids ? db.QueueEntries.Where(e => ids.Contains(e.Id)) : input.Filter.Apply(db.QueueEntries);
        var entries = await QueueActs.SentBy(selected, input.Domains)
            .AsNoTracking()
            .Where(e => e.Id > after && e.Id <= input.LastId)
            .OrderBy(e => e.Id)
            .Take(QueueService.MaxRowsAtOnce)
            .ToListAsync(cancel);
        await QueueActs.ApplyAsync(db, input.Act, entries, work.ActorName, clock.GetUtcNow(), cancel);
        db.Raise(Change.Queue);
        return new WorkTurn(entries.Count < QueueService.MaxRowsAtOnce ? null : entries[^1].Id.ToString(CultureInfo.InvariantCulture), entries.Count);
    }
}
