using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using ZstdSharp;

namespace Portal.Core.Messages;

/// <summary>Gives a message's bytes back exactly: the trace fields we prepended, then the content as received.</summary>
public sealed class ContentReader(IDbContextFactory<PortalDbContext> databases, IBlobStore blobs)
{
    /// <summary>Opens the message for reading forward; null when it is gone. Dispose the stream.</summary>
    /// <param name="withTraceFields">False leaves out Return-Path and Received: what the client sent.</param>
    public async Task<Stream?> OpenAsync(long messageId, CancellationToken cancel, bool withTraceFields = true)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var content = await db.Contents.AsNoTracking().SingleOrDefaultAsync(c => c.MessageId == messageId, cancel);
        if (content is null) return null;

        Stream stored = content.Inline is { } inline ? new MemoryStream(inline, writable: false) : blobs.OpenRead(content.BlobKey!.Value);
        if (content.IsCompressed) stored = new DecompressionStream(stored, leaveOpen: false);
        return withTraceFields ? new JoinedStream(content.TraceFields, stored) : stored;
    }

    /// <summary>A prefix in memory, then a stream.</summary>
    internal sealed class JoinedStream(byte[] first, Stream second) : Stream
    {
        private int position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer) => TakeFirst(buffer) is > 0 and var taken ? taken : second.Read(buffer);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            TakeFirst(buffer.Span) is > 0 and var taken ? new(taken) : second.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) second.Dispose();
            base.Dispose(disposing);
        }

        private int TakeFirst(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, first.Length - position);
            first.AsSpan(position, count).CopyTo(buffer);
            position += count;
            return count;
        }
    }
}
