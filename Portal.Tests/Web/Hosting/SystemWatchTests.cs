using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Portal.Core.Alerts;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;
using Portal.Web.Hosting;

namespace Portal.Tests.Web.Hosting;

/// <summary>The watch must never be what stops the mail.</summary>
public class SystemWatchTests
{
    [Fact]
    public async Task A_look_that_fails_ends_neither_the_watch_nor_the_host()
    {
        var databases = new BrokenFactory();
        var disk = new DiskSpace(Options.Create(new StorageOptions { DataFolder = Path.Combine(TestFolder.Create(), "gone") }), TimeProvider.System);
        using var watch = new SystemWatch(databases, disk, new SystemNotices(TimeProvider.System, NullLogger<SystemNotices>.Instance), TimeProvider.System, NullLogger<SystemWatch>.Instance);
        Assert.ThrowsAny<IOException>(() => disk.IsLow);

        await watch.StartAsync(CancellationToken.None);
        await databases.AskedTwice.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.False(watch.ExecuteTask!.IsCompleted);
        await watch.StopAsync(CancellationToken.None);
    }

    private sealed class BrokenFactory : IDbContextFactory<PortalDbContext>
    {
        private int asked;

        public TaskCompletionSource AskedTwice { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public PortalDbContext CreateDbContext()
        {
            if (Interlocked.Increment(ref asked) == 2) AskedTwice.SetResult();
            throw new IOException("gone");
        }
    }
}
