using Portal.Core.Permissions;

namespace Portal.Core.Logs;

/// <summary>The log for who may read it.</summary>
public sealed class LogService(LogStore store)
{
    /// <summary>Lines, newest first.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewLogs"/> for everything: a line belongs to no domain.</param>
    /// <param name="query">What to look for.</param>
    /// <param name="cancel">Stops the call.</param>
    /// <returns>A page or <see cref="NotPermitted"/>.</returns>
    public async Task<Outcome<LogPage>> SearchAsync(Actor actor, LogQuery query, CancellationToken cancel) =>
        actor.MayEverywhere(Capability.ViewLogs) ? await store.SearchAsync(query, cancel) : new NotPermitted(Capability.ViewLogs);

    /// <summary>One line, as a link names it.</summary>
    /// <param name="actor">As for <see cref="SearchAsync"/>.</param>
    /// <returns>The line, <see cref="NotFound"/> when it is not kept any more, or <see cref="NotPermitted"/>.</returns>
    public async Task<Outcome<LogEntry>> GetAsync(Actor actor, long id, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ViewLogs)) return new NotPermitted(Capability.ViewLogs);
        return await store.FindAsync(id, cancel) is { } entry ? entry : new NotFound("LogEntry");
    }

    /// <summary>How many lines came when.</summary>
    /// <param name="actor">As for <see cref="SearchAsync"/>.</param>
    /// <param name="query">What to look for; its times and places are not read.</param>
    /// <param name="from">Begin of the first bar.</param>
    /// <param name="step">Length of a bar.</param>
    /// <param name="bars">How many, at most 100.</param>
    /// <param name="cancel">Stops the call.</param>
    /// <returns>The bars or <see cref="NotPermitted"/>.</returns>
    public async Task<Outcome<LogHistogram>> CountAsync(Actor actor, LogQuery query, DateTimeOffset from, TimeSpan step, int bars, CancellationToken cancel) =>
        actor.MayEverywhere(Capability.ViewLogs) ? await store.CountAsync(query, from, step, Math.Clamp(bars, 1, 100), cancel) : new NotPermitted(Capability.ViewLogs);

    /// <summary>The components that have spoken.</summary>
    /// <returns>Names in order, or <see cref="NotPermitted"/>.</returns>
    public async Task<Outcome<IReadOnlyList<string>>> ComponentsAsync(Actor actor, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ViewLogs)) return new NotPermitted(Capability.ViewLogs);
        return await store.ComponentsAsync(cancel);
    }

    /// <summary>Calls <paramref name="stored"/> after lines were stored, until the result is disposed. It tells that there are new ones, not which: what may be seen is asked with <see cref="SearchAsync"/>.</summary>
    /// <returns>The subscription, or <see cref="NotPermitted"/>.</returns>
    public Outcome<IDisposable> Follow(Actor actor, Action stored)
    {
        if (!actor.MayEverywhere(Capability.ViewLogs)) return new NotPermitted(Capability.ViewLogs);
        store.Stored += stored;
        return new Subscription(store, stored);
    }

    private sealed class Subscription(LogStore store, Action stored) : IDisposable
    {
        public void Dispose() => store.Stored -= stored;
    }
}
