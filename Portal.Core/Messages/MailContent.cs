namespace Portal.Core.Messages;

/// <summary>The bytes of one message as received, complete, hashed and compressed, not yet durable. Dispose gives its memory back, and its blob unless kept.</summary>
public sealed class MailContent : IDisposable
{
    private readonly Action? release;
    private readonly BlobWriter? blob;

    internal MailContent(ReadOnlyMemory<byte> head, byte[]? inline, BlobWriter? blob, bool isCompressed, byte[] hash, long rawBytes, MessageNeeds needs, int longestLine, Action? release)
    {
        (Head, Inline, this.blob, IsCompressed) = (head, inline, blob, isCompressed);
        (Hash, RawBytes, Needs, LongestLine, this.release) = (hash, rawBytes, needs, longestLine, release);
    }

    /// <summary>The first octets, at most 256 KB, for reading the header; all of it for inline content. Valid until disposed.</summary>
    public ReadOnlyMemory<byte> Head { get; }

    /// <summary>What the database stores; null when it goes to the blob store.</summary>
    public byte[]? Inline { get; }

    public Guid? BlobKey => blob?.Key;

    public bool IsCompressed { get; }

    /// <summary>SHA-256 of the content as received.</summary>
    public byte[] Hash { get; }

    public long RawBytes { get; }

    public MessageNeeds Needs { get; }

    /// <summary>Longest line in octets without its CRLF.</summary>
    public int LongestLine { get; }

    /// <summary>Octets it holds in memory until it is durable.</summary>
    public long WaitingBytes => Head.Length + (Inline?.Length ?? 0);

    /// <summary>Makes the blob durable, before the transaction that names it; nothing to do for inline content.</summary>
    internal Task CommitBlobAsync(CancellationToken cancel) => blob?.CommitAsync(cancel) ?? Task.CompletedTask;

    public void Dispose()
    {
        release?.Invoke();
        blob?.Dispose();
    }
}
