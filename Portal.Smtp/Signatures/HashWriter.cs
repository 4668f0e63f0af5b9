using System.Buffers;
using System.Security.Cryptography;

namespace Portal.Smtp.Signatures;

/// <summary>SHA-256 over octets that come in small pieces; gathers them, since the hash itself takes each call dearly.</summary>
internal sealed class HashWriter : IDisposable
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[]? buffer = ArrayPool<byte>.Shared.Rent(4096);
    private int used;

    public void Write(ReadOnlySpan<byte> octets)
    {
        if (octets.Length > buffer!.Length - used) Flush();
        if (octets.Length > buffer.Length)
        {
            hash.AppendData(octets);
            return;
        }

        octets.CopyTo(buffer.AsSpan(used));
        used += octets.Length;
    }

    /// <summary>The hash of all so far; more may follow.</summary>
    public byte[] Current()
    {
        Flush();
        return hash.GetCurrentHash();
    }

    public void Dispose()
    {
        if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        buffer = null;
        hash.Dispose();
    }

    private void Flush()
    {
        hash.AppendData(buffer.AsSpan(0, used));
        used = 0;
    }
}
