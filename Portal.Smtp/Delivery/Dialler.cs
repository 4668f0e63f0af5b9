using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Queue;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>A connection, or why there is none: our own reply when no server is to be asked, else the last server's failure.</summary>
internal readonly record struct Dialled(SmtpConnection? Connection, PeerReply? Refusal, SmtpFailure? Failure);

/// <summary>Connects to the first server of a destination that answers, in the order that MX asks for.</summary>
internal sealed partial class Dialler(MxResolver mx, SecretBox secrets, DeliveryHealth health, IOptions<DeliveryOptions> options, TimeProvider clock, ILogger<Dialler> logger)
{
    private const int MaxServers = 5;   // RFC 5321 §5.1: at least two; more than five that all fail won't do better

    public async Task<Dialled> DialAsync(RouteChoice choice, CancellationToken cancel)
    {
        var hosts = choice.Route is { } route ? await mx.ForRouteAsync(route, CredentialsOf(route), cancel) : await mx.ForDomainAsync(choice.RouteKey, cancel);
        if (hosts.Refusal is not null) return new(null, hosts.Refusal, null);

        SmtpFailure? failure = null;
        var (begun, left) = (clock.GetTimestamp(), Math.Min(hosts.Hosts.Count, MaxServers));
        foreach (var host in hosts.Hosts.Take(MaxServers))
        {
            try
            {
                // A silent server takes its share of the time and leaves the others theirs.
                var share = (options.Value.ReachTimeout - clock.GetElapsedTime(begun)) / left--;
                return new(await OpenAsync(host, choice.Route is null, share, cancel), null, null);
            }
            catch (SmtpFailure e)
            {
                LogFailed(logger, host, e.Stage, e.Message);
                failure = e;
            }
        }

        return new(null, null, failure);
    }

    /// <summary>User name and password of a route; null where it has none.</summary>
    public NetworkCredential? CredentialsOf(Route route)
    {
        if (route.UserName is null) return null;
        try
        {
            return new(route.UserName, route.SealedPassword is { } box ? secrets.OpenText(nameof(Route), nameof(Route.SealedPassword), box) : "");
        }
        catch (CryptographicException e)
        {
            throw new InvalidOperationException($"The password of route {route.Name} cannot be opened: it was sealed with another master key.", e);
        }
    }

    private async Task<SmtpConnection> OpenAsync(PeerAddress host, bool isMx, TimeSpan limit, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(limit > TimeSpan.Zero ? limit : TimeSpan.Zero, clock);
        using var within = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            return await OpenAsync(host, isMx, within.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            var failure = new SmtpFailure(SmtpStage.Greeting, DeferCause.Network, $"{host} did not answer within {limit.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s") { Fault = SmtpFault.TimedOut };
            if (isMx) health.Record(host.Host, host.EndPoint.Port, isReached: true, null);   // had there been no connection, the shorter ConnectTimeout would have said so
            throw failure;
        }
    }

    private async Task<SmtpConnection> OpenAsync(PeerAddress host, bool isMx, CancellationToken cancel)
    {
        try
        {
            var connection = await SmtpConnection.OpenAsync(host, options.Value, clock, cancel);
            if (isMx) health.Record(host.Host, host.EndPoint.Port, isReached: true, null);
            return connection;
        }
        catch (SmtpFailure failure)
        {
            if (isMx) health.Record(host.Host, host.EndPoint.Port, failure.Stage != SmtpStage.Connect, failure.Stage == SmtpStage.Connect ? failure.Message : null);

            // Opportunistic TLS that can't be had is no reason to keep the mail (RFC 7435 §1.2): once more in clear.
            if (failure.Stage == SmtpStage.Tls && host.Tls == RouteTls.Opportunistic)
                return await SmtpConnection.OpenAsync(host with { Tls = RouteTls.None }, options.Value, clock, cancel);
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "No connection to {Host} ({Stage}): {Problem}")]
    private static partial void LogFailed(ILogger logger, PeerAddress host, SmtpStage stage, string problem);
}
