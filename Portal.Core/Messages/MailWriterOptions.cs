using System.ComponentModel.DataAnnotations;

namespace Portal.Core.Messages;

/// <summary>Bounds of the one durable commit (DESIGN §3, §5).</summary>
public sealed class MailWriterOptions
{
    public const string Section = "Portal:Writer";

    /// <summary>Messages that may wait for a commit.</summary>
    [Range(1, 100_000)]
    public int MaxWaitingMessages { get; init; } = 1_000;

    /// <summary>Octets that may wait for a commit.</summary>
    [Range(1L << 20, 1L << 36)]
    public long MaxWaitingBytes { get; init; } = 256L << 20;

    /// <summary>How long the oldest may wait before no more is taken.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Messages in one transaction; more would hold the write gate too long.</summary>
    [Range(1, 1_000)]
    public int MaxBatchMessages { get; init; } = 64;

    /// <summary>Octets in one transaction.</summary>
    [Range(1L << 16, 1L << 30)]
    public long MaxBatchBytes { get; init; } = 4L << 20;

    /// <summary>Content up to this size is stored in the database, in octets; larger goes to the blob store. No more than a spool keeps in memory.</summary>
    [Range(0, ContentSpool.HeadBytes)]
    public int InlineLimitBytes { get; init; } = 128 * 1024;
}
