using System.Buffers.Binary;
using Holdfast.Primitives;

namespace Holdfast.Wire.Peers;

/// <summary>What the accepting node says to a preamble. The numbers are the wire's and never change.</summary>
public enum PeerVerdict : byte
{
    /// <summary>Frames may follow.</summary>
    Accepted = 0,

    /// <summary>The dialler's cluster is not this node's.</summary>
    OtherCluster = 1,

    /// <summary>The dialler wanted another node, or an earlier incarnation of this one.</summary>
    OtherNode = 2,

    /// <summary>The dialler speaks a protocol version that this node does not.</summary>
    OtherVersion = 3,

    /// <summary>Of two nodes the one with the smaller id dials, and this dialler has the larger.</summary>
    WrongDirection = 4,

    /// <summary>The dialler's id has been removed from the cluster.</summary>
    Removed = 5,

    /// <summary>This node has no loop of that index, or does not serve that kind of connection.</summary>
    NoSuchDoor = 6,

    /// <summary>A later start of the dialler's process is connected already.</summary>
    Superseded = 7,

    /// <summary>The kind of connection needs a certificate of the cluster and none was shown.</summary>
    NoCertificate = 8,

    /// <summary>A bound is reached: try again later.</summary>
    Busy = 9,
}

/// <summary>
/// The accepting node's reply to a <see cref="PeerPreamble"/>: a verdict and its own identity. 40 bytes, little-endian:
/// magic u32, version u16, verdict u8, 0 u8, cluster u64, node u64, boot count u32, feature level u32, 0 u32, crc u32.
/// </summary>
public readonly record struct PeerAnswer(PeerVerdict Verdict, ClusterId Cluster, NodeId Node, uint BootCount, uint FeatureLevel)
{
    /// <summary>Length on the wire.</summary>
    public const int Size = 40;

    private const uint Magic = 0x31414648; // "HFA1"

    /// <summary>Writes the <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], PeerPreamble.ProtocolVersion);
        target[6] = (byte)Verdict;
        target[7] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Cluster.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Node.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], BootCount);
        BinaryPrimitives.WriteUInt32LittleEndian(target[28..], FeatureLevel);
        BinaryPrimitives.WriteUInt32LittleEndian(target[32..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(target[36..], Crc32C.Of(target[..36]));
    }

    /// <summary>Reads <see cref="Size"/> bytes; false when they are not an answer. The verdict of another protocol version is always <see cref="PeerVerdict.OtherVersion"/>.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out PeerAnswer answer)
    {
        answer = default;
        if (source.Length < Size) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic) return false;
        if (BinaryPrimitives.ReadUInt16LittleEndian(source[4..]) != PeerPreamble.ProtocolVersion)
        {
            answer = new PeerAnswer(PeerVerdict.OtherVersion, ClusterId.None, NodeId.None, 0, 0);
            return true;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(source[36..]) != Crc32C.Of(source[..36])) return false;
        answer = new PeerAnswer(
            (PeerVerdict)source[6],
            new ClusterId(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])),
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(source[16..])),
            BinaryPrimitives.ReadUInt32LittleEndian(source[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[28..]));
        return true;
    }
}
