using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Recipients;

namespace Portal.Core.Jobs;

/// <summary>Ends each hour, on one node, what grows with use and is needed for a time only (<see cref="RecordRemover"/>).</summary>
internal sealed partial class RecordKeeper(RecordRemover remover, JobLeases leases, IOptions<AccountOptions> options, TimeProvider clock, ILogger<RecordKeeper> logger)
    : LeasedJob("records.keep", leases, clock, logger)
{
    private static readonly TimeSpan KeepLinksFor = TimeSpan.FromDays(30);
    private static readonly TimeSpan KeepWorkFor = TimeSpan.FromDays(30);

    internal override async Task RunAsync(CancellationToken cancel)
    {
        var now = Clock.GetUtcNow();
        var (place, signIns) = ((SignInPlace?)default(SignInPlace), 0);
        await TurnsAsync(
            async stop =>
            {
                (place, var removed) = await remover.RemoveSignInsAsync(now - options.Value.KeepSignInsFor, place!.Value, stop);
                signIns += removed;
                return place is null ? 0 : 1;
            },
            cancel);
        var links = await TurnsAsync(stop => remover.RemoveLinksAsync(now - KeepLinksFor, stop), cancel);
        var sessions = await TurnsAsync(stop => remover.RemoveSessionsAsync(now, stop), cancel);
        sessions += await TurnsAsync(stop => remover.RemoveSessionUsesAsync(now, stop), cancel);
        var work = await TurnsAsync(stop => remover.RemoveWorkAsync(now - KeepWorkFor, stop), cancel);
        var confirmed = await TurnsAsync(stop => remover.RemoveConfirmedAsync(now - RecipientVerifier.BelievedFor, stop), cancel);
        if (confirmed > 0) LogConfirmed(Logger, confirmed);
        if (signIns + links + sessions + work > 0) LogDone(Logger, signIns, links, sessions, work);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Forgot {Recipients} recipients that other hosts confirmed long ago")]
    private static partial void LogConfirmed(ILogger logger, int recipients);

    [LoggerMessage(Level = LogLevel.Information, Message = "Ended {SignIns} old sign-ins, {Links} one-time links, {Sessions} notes of sessions and {Work} finished works")]
    private static partial void LogDone(ILogger logger, int signIns, int links, int sessions, int work);
}
