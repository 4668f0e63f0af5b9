using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using ZstdSharp;

namespace Portal.Core.Messages;

/// <summary>Makes spools.</summary>
public sealed class ContentSpoolFactory(IBlobStore blobs, IOptions<MailWriterOptions> options, DiskSpace disk)
{
    private const int CompressionLevel = 1;   // speed first: deeper levels cost more CPU than the whole rest of a delivery
    private readonly ConcurrentBag<Compressor> compressors = [];

    public ContentSpool Create() => new(this, blobs, options.Value.InlineLimitBytes);

    /// <summary>Throws while the disk is below its floor: large content in flight must not eat what the database needs.</summary>
    internal void DemandRoom()
    {
        if (disk.IsLow) throw new IOException("The disk is below its floor.");
    }

    internal byte[]? Compress(ReadOnlySpan<byte> raw)
    {
        if (raw.Length < 256) return null;
        var compressor = compressors.TryTake(out var idle) ? idle : new Compressor(CompressionLevel);
        var buffer = ArrayPool<byte>.Shared.Rent(Compressor.GetCompressBound(raw.Length));
        try
        {
            var length = compressor.Wrap(raw, buffer);
            return length < raw.Length - raw.Length / 16 ? buffer.AsSpan(0, length).ToArray() : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            compressors.Add(compressor);
        }
    }
}

/// <summary>
/// Takes the octets of one message as they come in: up to the inline limit in pooled memory, beyond it to the blob store,
/// compressed and hashed as they flow. Not safe for two threads.
/// </summary>
public sealed class ContentSpool : IDisposable
{
    /// <summary>Octets kept for reading the header; also the header limit (DESIGN §10).</summary>
    public const int HeadBytes = 256 * 1024;

    private readonly ContentSpoolFactory factory;
    private readonly IBlobStore blobs;
    private readonly int inlineLimitBytes;
    private byte[]? head = ArrayPool<byte>.Shared.Rent(8 * 1024);
    private int headLength;
    private BlobWriter? blob;
    private CompressionStream? compression;
    private IncrementalHash? hash;
    private bool hasNul;
    private bool hasEightBit;
    private bool endsInLineBreak = true;
    private bool endsInCr;
    private int line;

    internal ContentSpool(ContentSpoolFactory factory, IBlobStore blobs, int inlineLimitBytes) =>
        (this.factory, this.blobs, this.inlineLimitBytes) = (factory, blobs, inlineLimitBytes);

    /// <summary>Octets so far.</summary>
    public long Length { get; private set; }

    /// <summary>Longest line so far in octets, without its line end.</summary>
    public int LongestLine { get; private set; }

    /// <summary>The first octets so far, at most <see cref="HeadBytes"/>.</summary>
    public ReadOnlyMemory<byte> Head => head.AsMemory(0, headLength);

    /// <summary>Adds octets. Completes at once while everything fits in memory.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(head is null, this);
        Observe(octets.Span);
        KeepHead(octets.Span);
        Length += octets.Length;
        return blob is null && Length <= inlineLimitBytes ? ValueTask.CompletedTask : SpillAsync(octets, cancel);
    }

    /// <summary>Ends the message. The spool is empty afterwards; the content owns the memory.</summary>
    public async ValueTask<MailContent> CompleteAsync(CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(head is null, this);
        var needs = (hasEightBit ? MessageNeeds.EightBit : 0) | (hasNul || LongestLine > 998 || !endsInLineBreak ? MessageNeeds.Odd : 0);   // RFC 5322 §2.1.1; DATA can't end within a line
        var buffer = head;
        if (blob is null)
        {
            var raw = buffer.AsMemory(0, headLength);
            var compressed = factory.Compress(raw.Span);
            head = null;
            return new MailContent(raw, compressed ?? raw.ToArray(), null, compressed is not null, SHA256.HashData(raw.Span), Length, needs, LongestLine, () => ArrayPool<byte>.Shared.Return(buffer));
        }

        await compression!.DisposeAsync();
        compression = null;
        var content = new MailContent(buffer.AsMemory(0, headLength), null, blob, true, hash!.GetHashAndReset(), Length, needs, LongestLine, () => ArrayPool<byte>.Shared.Return(buffer));
        (head, blob) = (null, null);
        return content;
    }

    public void Dispose()
    {
        if (head is not null) ArrayPool<byte>.Shared.Return(head);
        head = null;
        try
        {
            compression?.Dispose();
        }
        catch (IOException)
        {
            // It is given up: that the frame could not be ended on a full disk costs nothing.
        }

        blob?.Dispose();
        hash?.Dispose();
    }

    private async ValueTask SpillAsync(ReadOnlyMemory<byte> octets, CancellationToken cancel)
    {
        factory.DemandRoom();
        if (blob is null)
        {
            blob = blobs.Create();
            compression = new CompressionStream(blob.Stream, level: 1, leaveOpen: true);
            hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var before = head.AsMemory(0, (int)(Length - octets.Length));
            hash.AppendData(before.Span);
            await compression.WriteAsync(before, cancel);
        }

        hash!.AppendData(octets.Span);
        await compression!.WriteAsync(octets, cancel);
    }

    private void KeepHead(ReadOnlySpan<byte> octets)
    {
        var take = Math.Min(octets.Length, HeadBytes - headLength);
        if (take <= 0) return;
        if (headLength + take > head!.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Min(HeadBytes, Math.Max(headLength + take, head.Length * 2)));
            head.AsSpan(0, headLength).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(head);
            head = larger;
        }

        octets[..take].CopyTo(head.AsSpan(headLength));
        headLength += take;
    }

    private void Observe(ReadOnlySpan<byte> octets)
    {
        if (!hasEightBit && !Ascii.IsValid(octets)) hasEightBit = true;
        if (!hasNul && octets.Contains((byte)0)) hasNul = true;
        if (octets.Length > 0)
        {
            endsInLineBreak = octets is [(byte)'\n'] ? endsInCr : octets.EndsWith("\r\n"u8);
            endsInCr = octets[^1] == '\r';
        }

        while (!octets.IsEmpty)
        {
            var end = octets.IndexOf((byte)'\n');
            line += end < 0 ? octets.Length : end;
            LongestLine = Math.Max(LongestLine, end < 0 ? line : line - 1);   // the CR before the LF is not part of the line
            if (end < 0) return;
            line = 0;
            octets = octets[(end + 1)..];
        }
    }
}
