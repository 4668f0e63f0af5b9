using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;
using Portal.Core.Queue;

namespace Portal.Core.Quarantine;

/// <summary>What a large act is to do: the filter or ids as they were decided, up to the last item that was there then.</summary>
internal sealed record QuarantineActInput(QuarantineAct Act, QuarantineFilter Filter, IReadOnlyList<long>? Ids, IReadOnlyList<Guid>? Domains, long LastId);

/// <summary>An act on more than 100 items, in turns; the cursor is the id of the last item done.</summary>
internal sealed class QuarantineActWork(RouteSelector routes, TimeProvider clock) : IWorkKind
{
    private const int RowsPerTurn = 100;

    public string Kind => QuarantineService.WorkKind;

    public Capability? Needs => Capability.ReleaseQuarantine;

    public string ActionOf(Work work) => QuarantineActs.ActionOf(Read(work).Act);

    public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
    {
        var input = Read(work);
        var after = work.Cursor is null ? 0 : long.Parse(work.Cursor, CultureInfo.InvariantCulture);
        var scoped = QuarantineService.Of(db, input.Domains);
        var items = await (input.Ids is { } ids ? scoped.Where(i => ids.Contains(i.Id)) : input.Filter.Apply(scoped))
            .Where(i => i.Id > after && i.Id <= input.LastId).OrderBy(i => i.Id).Take(RowsPerTurn).ToListAsync(cancel);
        await QuarantineActs.ApplyAsync(db, input.Act, items, i => routes.RouteKeyForAsync(i.ReversePath, i.ForwardPath, cancel), work.ActorName, clock.GetUtcNow(), cancel);
        db.Raise(Change.Quarantine);
        db.Raise(Change.Queue);
        return new WorkTurn(items.Count < RowsPerTurn ? null : items[^1].Id.ToString(CultureInfo.InvariantCulture), items.Count);
    }

    private static QuarantineActInput Read(Work work) => JsonSerializer.Deserialize<QuarantineActInput>(work.Input)!;
}
