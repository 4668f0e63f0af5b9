using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Portal.Core.Certificates;

/// <summary>Looks every few seconds whether the files of a certificate have changed, and how long each has left: no handshake waits for a disk.</summary>
internal sealed partial class CertificateWatch(ServerCertificates certificates, TimeProvider clock, ILogger<CertificateWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private bool hasFailed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                certificates.Look();
                hasFailed = false;
            }
            catch (Exception e)
            {
                if (!hasFailed) LogFailed(logger, e);   // the catch-all of this loop: what was read stays in use, and the next look comes
                hasFailed = true;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The certificates could not be looked at; it is tried again every few seconds")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
