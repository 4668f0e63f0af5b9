namespace Portal.Core.Queue;

/// <summary>How far a test of a route came.</summary>
public enum ProbeStage
{
    Resolve,
    Connect,
    Greeting,
    Hello,
    Tls,
    Authentication,

    /// <summary>Everything but sending a message.</summary>
    Done,
}

/// <summary>What a test of a route found.</summary>
/// <param name="Stage">Where it ended; <see cref="ProbeStage.Done"/> when all went well.</param>
/// <param name="Reply">The host's last words, or what the network said; for the technical line below the sentence.</param>
/// <param name="Address">Address and port that were reached; null for none.</param>
/// <param name="Tls">TLS version and cipher; null in clear.</param>
/// <param name="IsCertificateValid">Whether its certificate would do where one is required; null in clear.</param>
/// <param name="Extensions">What its EHLO reply offered.</param>
/// <param name="Duration">How long it took in all.</param>
public sealed record RouteProbeResult(
    ProbeStage Stage, string? Reply, string? Address, string? Tls, bool? IsCertificateValid, IReadOnlyList<string> Extensions, TimeSpan Duration)
{
    public bool Succeeded => Stage == ProbeStage.Done;
}

/// <summary>Connects to a smart host as the courier would, up to but without a message. The network is outside Core: the courier's side implements it.</summary>
public interface IRouteProbe
{
    /// <param name="route">The route to try.</param>
    /// <param name="password">Its password in clear; null for none.</param>
    Task<RouteProbeResult> ProbeAsync(Route route, string? password, CancellationToken cancel);
}
