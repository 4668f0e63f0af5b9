using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Permissions;

namespace Portal.Core.Queue;

/// <summary>The smart hosts and the mail that goes through them. Routes belong to no domain: every method needs <see cref="Capability.ManageRoutes"/> for everything.</summary>
public sealed class RouteService(
    IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, SecretBox secrets, IRouteProbe probe, TimeProvider clock)
{
    public const int MaxRoutes = 1000;

    /// <summary>All routes, as they are chosen: sender, then recipient domain, then all.</summary>
    public async Task<Outcome<IReadOnlyList<RouteView>>> ListAsync(Actor actor, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await Views(db.Routes.AsNoTracking().OrderByDescending(r => r.Match).ThenBy(r => r.Pattern)).Take(MaxRoutes).ToListAsync(cancel);
    }

    public async Task<Outcome<RouteView>> GetAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await Views(db.Routes.AsNoTracking().Where(r => r.Id == id)).SingleOrDefaultAsync(cancel) is { } view ? view : new NotFound("Route");
    }

    /// <summary>Adds a route; mail accepted from now on, and what waits at its next try, goes through it.</summary>
    /// <returns>The new route's id, or <see cref="Invalid"/>, or <see cref="Conflict"/> when there is one for the same mail.</returns>
    public async Task<Outcome<Guid>> CreateAsync(Actor actor, RouteDraft draft, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        var normal = draft.Normalise();
        if (!normal.IsDone) return normal.Refusal;

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.Routes.CountAsync(cancel) >= MaxRoutes) return new Conflict("RouteLimit", MaxRoutes);

        var route = new Route { Name = normal.Value.Name, Host = normal.Value.Host };
        Put(normal.Value, route);
        db.Routes.Add(route);
        return await SaveAsync(db, AuditEntry.Change(actor, clock.GetUtcNow(), "route.create", route.Name, null, Shown(route)), cancel) is { } refusal ? refusal : route.Id;
    }

    /// <summary>Changes a route.</summary>
    /// <param name="version">The version the change began from; another one meanwhile is a <see cref="Conflict"/>.</param>
    public async Task<Outcome> UpdateAsync(Actor actor, Guid id, RouteDraft draft, int version, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        var normal = draft.Normalise();
        if (!normal.IsDone) return normal.Refusal;

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.Routes.SingleOrDefaultAsync(r => r.Id == id, cancel) is not { } route) return new NotFound("Route");
        if (route.Version != version) return Conflict.ChangedByOthers;

        // A stored password must not be sent to a host it was not given for.
        var goesElsewhere = route.Host != normal.Value.Host || route.Port != normal.Value.Port;
        if (goesElsewhere && normal.Value is { UserName: not null, Password: null } && route.SealedPassword is not null)
            return new Invalid("RoutePasswordForNewHost") { Field = nameof(RouteDraft.Password) };

        var before = Shown(route);
        Put(normal.Value, route);
        route.Version++;
        return await SaveAsync(db, AuditEntry.Change(actor, clock.GetUtcNow(), "route.update", route.Name, before, Shown(route)), cancel) ?? Outcome.Done;
    }

    /// <summary>Switches a route off or on; while it is off its mail goes as if it were not there.</summary>
    public async Task<Outcome> SetDisabledAsync(Actor actor, Guid id, bool isDisabled, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.Routes.SingleOrDefaultAsync(r => r.Id == id, cancel) is not { } route) return new NotFound("Route");
        if (route.IsDisabled == isDisabled) return Outcome.Done;

        route.IsDisabled = isDisabled;
        route.Version++;
        var entry = AuditEntry.Change(actor, clock.GetUtcNow(), isDisabled ? "route.disable" : "route.enable", route.Name, !isDisabled, isDisabled);
        return await SaveAsync(db, entry, cancel) ?? Outcome.Done;
    }

    public async Task<Outcome> DeleteAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await db.Routes.SingleOrDefaultAsync(r => r.Id == id, cancel) is not { } route) return new NotFound("Route");

        db.Routes.Remove(route);
        return await SaveAsync(db, AuditEntry.Change(actor, clock.GetUtcNow(), "route.delete", route.Name, Shown(route), null), cancel) ?? Outcome.Done;
    }

    /// <summary>Connects to a route's host and goes as far as one can without a message; takes up to a minute.</summary>
    public async Task<Outcome<RouteProbeResult>> TestAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        Route? route;
        await using (var db = await databases.CreateDbContextAsync(cancel))
            route = await db.Routes.AsNoTracking().SingleOrDefaultAsync(r => r.Id == id, cancel);
        if (route is null) return new NotFound("Route");

        var result = await probe.ProbeAsync(route, route.SealedPassword is { } box ? secrets.OpenText(nameof(Route), nameof(Route.SealedPassword), box) : null, cancel);
        await RecordTestAsync(actor, "route.test", route, result, cancel);
        return result;
    }

    /// <summary>The same for the host that a domain's mail goes on to.</summary>
    /// <returns><see cref="Conflict"/> where the domain has none: its MX says it, or it is hosted here.</returns>
    public async Task<Outcome<RouteProbeResult>> TestOnwardAsync(Actor actor, Guid domainId, CancellationToken cancel)
    {
        if (!May(actor)) return NotAllowed;
        Domain? domain;
        await using (var db = await databases.CreateDbContextAsync(cancel))
            domain = await db.Domains.AsNoTracking().SingleOrDefaultAsync(d => d.Id == domainId, cancel);
        if (domain is null) return new NotFound("Domain");
        if (RouteSelector.OnwardOf(domain) is not { } route) return new Conflict("OnwardNoHost", domain.DisplayName);

        var result = await probe.ProbeAsync(route, null, cancel);
        await RecordTestAsync(actor, "domain.onward.test", route, result, cancel);
        return result;
    }

    private static NotPermitted NotAllowed => new(Capability.ManageRoutes);

    private static bool May(Actor actor) => actor.MayEverywhere(Capability.ManageRoutes);

    private static IQueryable<RouteView> Views(IQueryable<Route> routes) => routes.Select(r => new RouteView(
        r.Id, r.Name, r.Match, r.Pattern, r.Host, r.Port, r.Tls, r.UserName, r.SealedPassword != null, r.IsDisabled, r.Version));

    private static object Shown(Route route) => new
    {
        route.Name,
        Match = route.Match.ToString(),
        route.Pattern,
        route.Host,
        route.Port,
        Tls = route.Tls.ToString(),
        route.UserName,
        HasPassword = route.SealedPassword is not null,
    };

    private void Put(RouteDraft draft, Route route)
    {
        (route.Name, route.Match, route.Pattern, route.Host, route.Port) = (draft.Name, draft.Match, draft.Pattern, draft.Host, draft.Port);
        (route.Tls, route.UserName) = (draft.Tls, draft.UserName);
        if (draft.UserName is null || draft.Password is "") route.SealedPassword = null;
        else if (draft.Password is { } password) route.SealedPassword = secrets.Seal(nameof(Route), nameof(Route.SealedPassword), password);
    }

    private async Task<Refusal?> SaveAsync(PortalDbContext db, AuditEntry entry, CancellationToken cancel)
    {
        db.Audit.Add(entry);
        db.Raise(Change.Routes);
        try
        {
            if (await db.SaveChangeAsync(cancel) is { } stale) return stale;
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return new Conflict("RouteForSameMail");
        }

        feed.Publish(Change.Audit);
        return null;
    }

    private async Task RecordTestAsync(Actor actor, string action, Route route, RouteProbeResult result, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), action, route.Name, null, new { Stage = result.Stage.ToString(), result.Reply }));
        await db.SaveChangesAsync(cancel);
        feed.Publish(Change.Audit);
    }
}
