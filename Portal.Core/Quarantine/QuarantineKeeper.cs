using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;
using Portal.Core.Jobs;

namespace Portal.Core.Quarantine;

/// <summary>Deletes each hour, on one node, what has been in quarantine long enough; the sweep takes its content once nobody else refers to it.</summary>
internal sealed partial class QuarantineKeeper(IDbContextFactory<PortalDbContext> databases, WriteGate gate, JobLeases leases, TimeProvider clock, ILogger<QuarantineKeeper> logger)
    : LeasedJob("quarantine.keep", leases, clock, logger)
{
    private const int TurnRows = 100;

    internal override async Task RunAsync(CancellationToken cancel)
    {
        var expired = await TurnsAsync(ExpireAsync, cancel);
        if (expired > 0) LogExpired(Logger, expired);
    }

    private async Task<int> ExpireAsync(CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var expired = await QuarantineActs.ExpireAsync(db, Clock.GetUtcNow(), TurnRows, cancel);
        if (expired > 0) db.Raise(Change.Quarantine);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return expired;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Deleted {Items} messages that had been in quarantine long enough")]
    private static partial void LogExpired(ILogger logger, int items);
}
