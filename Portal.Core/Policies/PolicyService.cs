using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Policies;

/// <summary>What people may do with a policy.</summary>
public sealed class PolicyService<T>(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
    where T : class, IPolicy<T>, new()
{
    /// <summary>The policy as it stands.</summary>
    /// <param name="actor">Needs <see cref="Capability.ManageSettings"/> everywhere.</param>
    public async Task<Outcome<T>> GetAsync(Actor actor, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ManageSettings)) return new NotPermitted(Capability.ManageSettings);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return PolicyForm.Read<T>((await PolicyForm.RowOf<T>(db).AsNoTracking().SingleOrDefaultAsync(cancel))?.Value);
    }

    /// <summary>Replaces it; it counts for the next session.</summary>
    /// <param name="actor">Needs <see cref="Capability.ManageSettings"/> everywhere.</param>
    /// <param name="policy">As it is to be, with the version it began from.</param>
    /// <returns>Done, also when nothing differs; <see cref="Invalid"/>; <see cref="Conflict"/> when somebody else changed it meanwhile.</returns>
    public async Task<Outcome> SaveAsync(Actor actor, T policy, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ManageSettings)) return new NotPermitted(Capability.ManageSettings);
        if (policy.Fault() is { } fault) return fault;

        var after = policy.Normal();
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var row = await PolicyForm.RowOf<T>(db).AsTracking().SingleOrDefaultAsync(cancel);
        var before = PolicyForm.Read<T>(row?.Value);
        if (before.Version != policy.Version) return Conflict.ChangedByOthers;
        if (before.Equals(after)) return Outcome.Done;

        after.Version = before.Version + 1;
        if (row is null) db.Settings.Add(new Setting { Key = T.Key, Value = PolicyForm.Write(after) });
        else row.Value = PolicyForm.Write(after);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), $"{T.Key}.set", T.Key, PolicyForm.Shown(before), PolicyForm.Shown(after)));
        db.Raise(Change.Settings);
        db.Raise(Change.Audit);
        try
        {
            return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return Conflict.ChangedByOthers;   // both were the first to change it
        }
    }
}
