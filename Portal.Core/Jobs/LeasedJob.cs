using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Portal.Core.Jobs;

/// <summary>A round every so often, each hour unless said otherwise, on one of the nodes, under a lease (DESIGN §7).</summary>
/// <param name="job">The lease's name, such as "mail.keep".</param>
internal abstract partial class LeasedJob(string job, JobLeases leases, TimeProvider clock, ILogger logger, TimeSpan? every = null) : BackgroundService
{
    private readonly TimeSpan every = every ?? TimeSpan.FromHours(1);

    protected TimeProvider Clock => clock;

    protected ILogger Logger => logger;

    /// <summary>One round of what the nodes share; it must bear being broken off and begun again.</summary>
    internal abstract Task RunAsync(CancellationToken cancel);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(every, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                TendOwn();
                await leases.RunAsync(job, every, RunAsync, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, job, e);   // the catch-all of this loop: the next round tries again
            }
        }
    }

    /// <summary>What each node has to do for itself, without the lease.</summary>
    protected virtual void TendOwn()
    {
    }

    /// <summary>Takes turns until one has nothing to do. Between two of them it rests as long as the turn took: mail goes first.</summary>
    /// <returns>The sum of what the turns did.</returns>
    protected async Task<int> TurnsAsync(Func<CancellationToken, Task<int>> turn, CancellationToken cancel)
    {
        var sum = 0;
        while (true)
        {
            var begun = clock.GetTimestamp();
            var done = await turn(cancel);
            if (done == 0) return sum;
            sum += done;
            await Task.Delay(clock.GetElapsedTime(begun), clock, cancel);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The round of {Job} failed; the next round tries again")]
    private static partial void LogFailed(ILogger logger, string job, Exception error);
}
