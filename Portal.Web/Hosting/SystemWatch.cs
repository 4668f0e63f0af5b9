using Microsoft.EntityFrameworkCore;
using Portal.Core.Alerts;
using Portal.Core.Data;
using Portal.Core.Messages;

namespace Portal.Web.Hosting;

/// <summary>Looks every few seconds at what stops mail without anybody's act, and puts it into the banner: a full disk, a lost database.</summary>
internal sealed partial class SystemWatch(IDbContextFactory<PortalDbContext> databases, DiskSpace disk, SystemNotices notices, TimeProvider clock, ILogger<SystemWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private readonly Dictionary<string, bool> standing = [];
    private readonly HashSet<string> unseen = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            await LookAsync("DiskLow", () => Task.FromResult(disk.IsLow), stoppingToken);
            await LookAsync("DatabaseLost", async () => !await IsThereAsync(stoppingToken), stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>A look that fails says nothing, and must not end the host; the next one comes.</summary>
    private async Task LookAsync(string key, Func<Task<bool>> isSo, CancellationToken cancel)
    {
        try
        {
            Say(key, await isSo());
            unseen.Remove(key);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            if (unseen.Add(key)) LogUnseen(logger, key, e);
        }
    }

    private async Task<bool> IsThereAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Database.CanConnectAsync(cancel);
    }

    private void Say(string key, bool isSo)
    {
        if (standing.GetValueOrDefault(key) == isSo) return;
        standing[key] = isSo;
        if (isSo)
        {
            LogBegun(logger, key);
            notices.Raise(key, NoticeSeverity.Error);
        }
        else
        {
            LogEnded(logger, key);
            notices.Clear(key);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{State}: no mail is taken until it ends")]
    private static partial void LogBegun(ILogger logger, string state);

    [LoggerMessage(Level = LogLevel.Error, Message = "Whether {State} holds could not be seen; it is looked at again")]
    private static partial void LogUnseen(ILogger logger, string state, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{State} has ended; mail is taken again")]
    private static partial void LogEnded(ILogger logger, string state);
}
