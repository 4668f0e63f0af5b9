using System.Buffers.Binary;

namespace Portal.Core.Trace;

/// <summary>Queue ids as points in time: a Guid v7 begins with its Unix milliseconds (RFC 9562 §5.7), so a range of time is a range of ids.</summary>
public static class TraceIds
{
    /// <summary>The lowest value any queue id of this millisecond or later can have.</summary>
    public static Guid LowestAt(DateTimeOffset at)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Math.Max(0, at.ToUnixTimeMilliseconds()) << 16);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>When a queue id was made.</summary>
    public static DateTimeOffset TimeOf(Guid queueId)
    {
        Span<byte> bytes = stackalloc byte[16];
        queueId.TryWriteBytes(bytes, bigEndian: true, out _);
        return DateTimeOffset.FromUnixTimeMilliseconds((long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16));
    }
}
