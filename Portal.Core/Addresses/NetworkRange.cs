using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Portal.Core.Addresses;

/// <summary>A network of either family in the form of IPv6, so that one comparison serves both.</summary>
/// <param name="Bits">Its own address; nothing is set beyond the prefix.</param>
/// <param name="Prefix">0 to 128.</param>
public readonly record struct NetworkRange(UInt128 Bits, int Prefix)
{
    /// <summary>Where the address of IPv4 begins in that of IPv6 (RFC 4291 §2.5.5.2).</summary>
    public const int V4Bits = 96;

    public static NetworkRange Of(IPNetwork network) =>
        Of(network.BaseAddress, network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? network.PrefixLength + V4Bits : network.PrefixLength);

    /// <param name="prefix">As of an IPv6 address.</param>
    public static NetworkRange Of(IPAddress address, int prefix)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new(Masked(BinaryPrimitives.ReadUInt128BigEndian(bytes), prefix), prefix);
    }

    /// <summary>Whether it is a network of IPv4.</summary>
    public bool IsV4 => Prefix >= V4Bits && (ulong)(Bits >> 32) == 0xFFFF;

    /// <summary>Networks overlap only where one holds the other.</summary>
    public bool Overlaps(NetworkRange other) => Math.Min(Prefix, other.Prefix) is var common && Masked(Bits, common) == Masked(other.Bits, common);

    /// <summary>As people write it: "192.0.2.0/24", "2001:db8::/32".</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        var address = new IPAddress(bytes);
        return IsV4 ? $"{address.MapToIPv4()}/{Prefix - V4Bits}" : $"{address}/{Prefix}";
    }

    private static UInt128 Masked(UInt128 bits, int prefix) => prefix == 0 ? 0 : bits & (UInt128.MaxValue << (128 - prefix));
}
