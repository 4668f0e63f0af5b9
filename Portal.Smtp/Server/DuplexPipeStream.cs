using System.Buffers;
using System.IO.Pipelines;

namespace Portal.Smtp.Server;

/// <summary>The two ends of a connection as one stream, for <see cref="System.Net.Security.SslStream"/>; it completes neither end.</summary>
internal sealed class DuplexPipeStream(PipeReader input, PipeWriter output) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await input.ReadAsync(cancellationToken);
        if (result.IsCanceled) throw new OperationCanceledException("The read was cancelled by a deadline.");
        var available = result.Buffer;
        var length = (int)Math.Min(available.Length, buffer.Length);
        var taken = available.Slice(0, length);
        taken.CopyTo(buffer.Span);
        input.AdvanceTo(taken.End);   // from here on the sequence belongs to the pipe again, its length too
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await output.WriteAsync(buffer, cancellationToken);
        if (result.IsCanceled) throw new OperationCanceledException("The write was cancelled by a deadline.");
        if (result.IsCompleted) throw new IOException("The peer has closed the connection.");
    }

    public override async Task FlushAsync(CancellationToken cancellationToken) => await output.FlushAsync(cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
