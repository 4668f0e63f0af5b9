using System.ComponentModel.DataAnnotations;

namespace Portal.Core.Logs;

/// <summary>Bounds of the log that the portal shows.</summary>
public sealed class LogOptions
{
    public const string Section = "Portal:Logs";

    /// <summary>How long lines are kept.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00")]
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(14);

    /// <summary>Most lines kept; the oldest go first.</summary>
    [Range(1_000, 100_000_000)]
    public long MaxEntries { get; init; } = 500_000;

    /// <summary>Lines that wait for the disk; beyond, they are dropped and counted.</summary>
    [Range(100, 1_000_000)]
    public int BufferEntries { get; init; } = 10_000;

    /// <summary>How often old lines are removed.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan TrimEvery { get; init; } = TimeSpan.FromMinutes(10);
}
