using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Queue;

/// <summary>What a large act is to do: the filter or ids as they were decided, up to the last entry that was there then.</summary>
internal sealed record QueueActInput(QueueAct Act, QueueFilter Filter, IReadOnlyList<long>? Ids, IReadOnlyList<string>? Domains, long LastId);

/// <summary>An act on more than 100 entries, in turns; the cursor is the id of the last entry done.</summary>
internal sealed class QueueActWork(TimeProvider clock) : IWorkKind
{
    private const int RowsPerTurn = 500;

    public string Kind => QueueService.WorkKind;

    public Capability? Needs => Capability.ManageQueue;

    public string ActionOf(Work work) => QueueService.ActionOf(Read(work).Act);

    public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
    {
        var input = Read(work);
        var after = work.Cursor is null ? 0 : long.Parse(work.Cursor, CultureInfo.InvariantCulture);
        var selected = input.Ids is { } ids ? db.QueueEntries.Where(e => ids.Contains(e.Id)) : input.Filter.Apply(db.QueueEntries);
        var entries = await QueueActs.SentBy(selected, input.Domains)
            .AsNoTracking()
            .Where(e => e.Id > after && e.Id <= input.LastId)
            .OrderBy(e => e.Id)
            .Take(RowsPerTurn)
            .ToListAsync(cancel);
        var done = await QueueActs.ApplyAsync(db, input.Act, entries, work.ActorName, clock.GetUtcNow(), cancel);
        await WorkResults.AddAsync(db, work, [.. done.Claimed.Select(e => new WorkRefusal(e.ForwardPath, "EntryClaimed"))], cancel);
        db.Raise(Change.Queue);
        return new WorkTurn(entries.Count < RowsPerTurn ? null : entries[^1].Id.ToString(CultureInfo.InvariantCulture), entries.Count);
    }

    private static QueueActInput Read(Work work) => JsonSerializer.Deserialize<QueueActInput>(work.Input)!;
}
