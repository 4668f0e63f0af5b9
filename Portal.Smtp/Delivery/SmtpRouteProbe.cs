using System.Net;
using Microsoft.Extensions.Options;
using Portal.Core.Queue;

namespace Portal.Smtp.Delivery;

/// <summary>Tests a route the way the courier would use it, without a message.</summary>
internal sealed class SmtpRouteProbe(MxResolver mx, IOptions<DeliveryOptions> options, TimeProvider clock) : IRouteProbe
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public async Task<RouteProbeResult> ProbeAsync(Route route, string? password, CancellationToken cancel)
    {
        var began = clock.GetTimestamp();
        using var timer = new CancellationTokenSource(Limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        PeerAddress? tried = null;
        try
        {
            var hosts = await mx.ForRouteAsync(route, route.UserName is { } name ? new NetworkCredential(name, password ?? "") : null, either.Token);
            if (hosts.Refusal is { } refusal) return Result(ProbeStage.Resolve, refusal.ToString());

            tried = hosts.Hosts[0];
            await using var connection = await SmtpConnection.OpenAsync(tried, options.Value, clock, either.Token);
            var result = Result(ProbeStage.Done, null) with { Tls = connection.Tls, IsCertificateValid = connection.IsCertificateValid, Extensions = connection.Extensions.Offered };
            await connection.QuitAsync();
            return result;
        }
        catch (SmtpFailure failure)
        {
            return Result(StageOf(failure.Stage), failure.Message);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Result(tried is null ? ProbeStage.Resolve : ProbeStage.Greeting, $"{tried?.ToString() ?? route.Host} did not answer within {Limit.TotalSeconds} s");
        }

        RouteProbeResult Result(ProbeStage stage, string? reply) => new(stage, reply, tried?.EndPoint.ToString(), null, null, [], clock.GetElapsedTime(began));
    }

    private static ProbeStage StageOf(SmtpStage stage) => stage switch
    {
        SmtpStage.Resolve => ProbeStage.Resolve,
        SmtpStage.Connect => ProbeStage.Connect,
        SmtpStage.Greeting => ProbeStage.Greeting,
        SmtpStage.Hello => ProbeStage.Hello,
        SmtpStage.Tls => ProbeStage.Tls,
        _ => ProbeStage.Authentication,
    };
}
