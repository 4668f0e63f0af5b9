using System.Text.Json;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Jobs;

/// <summary>How work begins.</summary>
internal static class WorkBegin
{
    /// <summary>Decides work in the caller's transaction, with the save; the runner hears of it after the commit.</summary>
    /// <param name="input">What its runner reads again, as JSON.</param>
    /// <param name="totalRows">Rows in all, an estimate.</param>
    public static Work BeginWork<TInput>(this PortalDbContext db, string kind, TInput input, long totalRows, Actor actor, DateTimeOffset at)
    {
        var work = new Work { Kind = kind, Input = JsonSerializer.Serialize(input), TotalRows = totalRows, CreatedAt = at, ActorName = actor.Name };
        db.Work.Add(work);
        db.Raise(Change.Work);
        return work;
    }
}
