using Microsoft.Extensions.Options;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>Whether the data folder's file system has room; asked at most once a second.</summary>
public sealed class DiskSpace(IOptions<StorageOptions> storage, TimeProvider clock)
{
    private const int NoSpace = 28;   // ENOSPC
    private const int QuotaReached = 122;   // EDQUOT on Linux
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private long readAt;
    private long freeBytes = -1;

    /// <summary>Free bytes now (up to a second old).</summary>
    public long FreeBytes
    {
        get
        {
            var last = Interlocked.Read(ref readAt);
            if (Interlocked.Read(ref freeBytes) >= 0 && clock.GetElapsedTime(last) < MaxAge) return Interlocked.Read(ref freeBytes);
            var free = new DriveInfo(storage.Value.DataFolder).AvailableFreeSpace;
            Interlocked.Exchange(ref freeBytes, free);
            Interlocked.Exchange(ref readAt, clock.GetTimestamp());
            return free;
        }
    }

    /// <summary>Whether a write failed for want of room; .NET gives the system's error number as the result, with no type of its own.</summary>
    public static bool IsFull(IOException error) => error.HResult is NoSpace or QuotaReached or WindowsDiskFull;

    /// <summary>True while free space is under the floor: no mail is taken (452 4.3.1).</summary>
    public bool IsLow => FreeBytes < storage.Value.DiskFloorBytes;
}
