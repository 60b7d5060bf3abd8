using System.Buffers.Binary;
using System.Security.Cryptography;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// Who this data directory is: the id drawn when it was created, the name it was created under, and how often it was started. The file "identity".
/// </summary>
/// <param name="Node">This incarnation (S4).</param>
/// <param name="Name">The node's name.</param>
/// <param name="BootCount">Which start this is, from 1.</param>
public sealed record NodeIdentity(NodeId Node, string Name, uint BootCount)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "identity";

    private const uint Magic = 0x44494648; // "HFID"
    private const byte Version = 1;

    /// <summary>Reads the identity and counts this start, or draws a new one for an empty directory. Durable when this returns.</summary>
    /// <exception cref="DataDirectoryUnusableException">The file is damaged, of a newer version, or belongs to a node of another name.</exception>
    public static NodeIdentity Open(IDisk disk, string name)
    {
        var before = SealedFile.Read(disk, FileName, Magic);
        if (before is null && disk.Exists(GenesisFile.Name)) throw SealedFile.Damaged(FileName);
        var identity = before is null ? new NodeIdentity(Draw(), name, 1) : Decode(before);
        if (identity.Name != name)
            throw new DataDirectoryUnusableException($"this data directory belongs to the node {identity.Name}, not {name}: give the right --name or another --data");
        if (before is not null) identity = identity with { BootCount = checked(identity.BootCount + 1) };
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteUInt64(identity.Node.Value);
        writer.WriteUInt32(identity.BootCount);
        writer.WriteText(identity.Name);
        SealedFile.Write(disk, FileName, Magic, buffer.Written);
        return identity;
    }

    private static NodeIdentity Decode(byte[] body)
    {
        var reader = new SpanReader(body);
        var version = reader.ReadByte();
        var node = new NodeId(reader.ReadUInt64());
        var boots = reader.ReadUInt32();
        var identity = new NodeIdentity(node, reader.ReadText(), boots);
        if (!reader.IsWhole || version != Version || node == NodeId.None) throw SealedFile.Damaged(FileName);
        return identity;
    }

    private static NodeId Draw()
    {
        Span<byte> bits = stackalloc byte[8];
        do RandomNumberGenerator.Fill(bits);
        while (BinaryPrimitives.ReadUInt64LittleEndian(bits) == 0);
        return new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bits));
    }
}
