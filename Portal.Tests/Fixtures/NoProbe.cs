using Portal.Core.Queue;

namespace Portal.Tests.Fixtures;

/// <summary>For tests in which nobody tests a route: doing so fails them.</summary>
internal sealed class NoProbe : IRouteProbe
{
    public Task<RouteProbeResult> ProbeAsync(Route route, string? password, CancellationToken cancel) => throw new InvalidOperationException("Nobody was to test a route here.");
}
