using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>The views of lists that people keep for themselves. A view is an address: it shows whoever opens it only what they may see.</summary>
public sealed class SavedViewService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock)
{
    /// <summary>Most views of one person and list.</summary>
    public const int MaxViews = 20;

    /// <summary>Longest name of a view or a list, in characters.</summary>
    public const int MaxNameLength = 60;

    /// <summary>Longest query, in characters.</summary>
    public const int MaxQueryLength = 2_000;

    /// <summary>One's own views of a list, by name; empty for who has no account.</summary>
    public async Task<IReadOnlyList<SavedView>> ListAsync(Actor actor, string list, CancellationToken cancel)
    {
        if (actor.AccountId is not { } own) return [];
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.SavedViews.AsNoTracking().Where(v => v.AccountId == own && v.List == list).OrderBy(v => v.Name).Take(MaxViews).ToListAsync(cancel);
    }

    /// <summary>Keeps a view; one of the same name is replaced.</summary>
    /// <returns>Done, <see cref="Invalid"/>, <see cref="Conflict"/> past <see cref="MaxViews"/> or <see cref="NotFound"/> for who has no account.</returns>
    public async Task<Outcome> SaveAsync(Actor actor, string list, string name, string query, CancellationToken cancel)
    {
        if (actor.AccountId is not { } own) return new NotFound("Account");
        name = name.Trim();
        if (name.Length is 0 or > MaxNameLength) return new Invalid("NameLength", MaxNameLength) { Field = "Name" };
        if (query.Length > MaxQueryLength) return new Invalid("ViewTooLong");

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var views = await db.SavedViews.Where(v => v.AccountId == own && v.List == list).OrderBy(v => v.Name).Take(MaxViews).ToListAsync(cancel);
        var present = views.Find(v => v.Name == name);
        if (present is null && views.Count == MaxViews) return new Conflict("ViewsFull", MaxViews);

        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "view.save", name, present is null ? null : new { present.List, present.Query }, new { List = list, Query = query }));
        if (present is null) db.SavedViews.Add(new SavedView { AccountId = own, List = list, Name = name, Query = query });
        else present.Query = query;
        db.Raise(Change.Audit);
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return new Conflict("ChangedByOthers");   // from another window at the same moment
        }

        return Outcome.Done;
    }

    /// <summary>Forgets one of one's own views.</summary>
    /// <returns>Done or <see cref="NotFound"/>.</returns>
    public async Task<Outcome> RemoveAsync(Actor actor, long id, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (actor.AccountId is not { } own || await db.SavedViews.SingleOrDefaultAsync(v => v.Id == id && v.AccountId == own, cancel) is not { } view) return new NotFound("View");

        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "view.remove", view.Name, new { view.List, view.Query }, null));
        db.SavedViews.Remove(view);
        db.Raise(Change.Audit);
        await db.SaveChangesAsync(cancel);
        return Outcome.Done;
    }
}
