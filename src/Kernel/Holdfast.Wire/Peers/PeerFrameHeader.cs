using System.Buffers.Binary;
using Holdfast.Primitives;

namespace Holdfast.Wire.Peers;

/// <summary>
/// What stands before each frame between nodes: length u32 and CRC-32C u32 of the body, little-endian. Version, cluster and incarnation were said once,
/// in the connection's <see cref="PeerPreamble"/>. The checksum is there because TCP's sixteen bits miss one damaged segment in 65,536, and a damaged entry would be made durable on a follower.
/// </summary>
/// <param name="Length">Bytes of the body that follows.</param>
/// <param name="Crc">CRC-32C of the body.</param>
public readonly record struct PeerFrameHeader(uint Length, uint Crc)
{
    /// <summary>Length on the wire.</summary>
    public const int Size = 8;

    /// <summary>The header that belongs before <paramref name="body"/>.</summary>
    public static PeerFrameHeader Of(ReadOnlySpan<byte> body) => new((uint)body.Length, Crc32C.Of(body));

    /// <summary>Writes the <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Crc);
    }

    /// <summary>Reads a header from at least <see cref="Size"/> bytes.</summary>
    public static PeerFrameHeader Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]));

    /// <summary>Whether <paramref name="body"/> is what the sender wrote.</summary>
    public bool Matches(ReadOnlySpan<byte> body) => body.Length == Length && Crc32C.Of(body) == Crc;
}
