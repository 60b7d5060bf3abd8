using System.Buffers.Binary;
using Holdfast.Primitives;

namespace Holdfast.Wire.Peers;

/// <summary>What a connection between nodes is for. The numbers are the wire's and never change.</summary>
public enum PeerConnectionKind : byte
{
    /// <summary>Frames between two loops of the same index.</summary>
    Mesh = 1,

    /// <summary>Beats: support asked for and given (S2).</summary>
    Beat = 2,

    /// <summary>Requests and responses: bootstrap, join, administration.</summary>
    Control = 3,
}

/// <summary>
/// The first bytes of every connection between nodes, sent by the one who dials. What they say holds for every frame that follows, so a frame need not
/// repeat it: protocol version, cluster, and the sender's incarnation. 48 bytes, little-endian, closed by a CRC-32C:
/// magic u32, version u16, kind u8, 0 u8, cluster u64, sender u64, boot count u32, feature level u32, loop u16, 0 u16, wanted u64, crc u32.
/// </summary>
/// <param name="Kind">What the connection is for.</param>
/// <param name="Cluster">The sender's cluster; none while it has none (control connections only).</param>
/// <param name="Sender">The sender's incarnation; none while it has none (control connections only).</param>
/// <param name="BootCount">How often the sender's process has started: a later one supersedes an earlier one's connection.</param>
/// <param name="FeatureLevel">The highest feature level that the sender's binary knows.</param>
/// <param name="Loop">The index of the loop whose mesh the connection belongs to.</param>
/// <param name="Wanted">Whom the sender wants to reach; none for whoever is there (control connections only).</param>
public readonly record struct PeerPreamble(PeerConnectionKind Kind, ClusterId Cluster, NodeId Sender, uint BootCount, uint FeatureLevel, ushort Loop, NodeId Wanted)
{
    /// <summary>Length on the wire.</summary>
    public const int Size = 48;

    /// <summary>The version that this code speaks.</summary>
    public const ushort ProtocolVersion = 1;

    private const uint Magic = 0x31504648; // "HFP1"

    /// <summary>Writes the <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], ProtocolVersion);
        target[6] = (byte)Kind;
        target[7] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Cluster.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Sender.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], BootCount);
        BinaryPrimitives.WriteUInt32LittleEndian(target[28..], FeatureLevel);
        BinaryPrimitives.WriteUInt16LittleEndian(target[32..], Loop);
        BinaryPrimitives.WriteUInt16LittleEndian(target[34..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(target[36..], Wanted.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target[44..], Crc32C.Of(target[..44]));
    }

    /// <summary>Reads <see cref="Size"/> bytes. Anything but <see cref="PeerPreambleFault.None"/> means that nothing in <paramref name="preamble"/> may be believed.</summary>
    public static PeerPreambleFault Read(ReadOnlySpan<byte> source, out PeerPreamble preamble)
    {
        preamble = default;
        if (source.Length < Size) return PeerPreambleFault.Malformed;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic) return PeerPreambleFault.Malformed;

        // The version is compared before the checksum, because another version may place it elsewhere.
        if (BinaryPrimitives.ReadUInt16LittleEndian(source[4..]) != ProtocolVersion) return PeerPreambleFault.OtherVersion;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[44..]) != Crc32C.Of(source[..44])) return PeerPreambleFault.Malformed;
        if (source[6] is < (byte)PeerConnectionKind.Mesh or > (byte)PeerConnectionKind.Control) return PeerPreambleFault.Malformed;
        preamble = new PeerPreamble(
            (PeerConnectionKind)source[6],
            new ClusterId(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])),
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(source[16..])),
            BinaryPrimitives.ReadUInt32LittleEndian(source[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[28..]),
            BinaryPrimitives.ReadUInt16LittleEndian(source[32..]),
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(source[36..])));
        return PeerPreambleFault.None;
    }
}

/// <summary>What is wrong with the first bytes of a connection.</summary>
public enum PeerPreambleFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Not a preamble of ours: something else connected, or bytes were damaged.</summary>
    Malformed,

    /// <summary>A preamble of a protocol version that this binary does not speak.</summary>
    OtherVersion,
}
