using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>The file <c>identity</c>: who this data directory is.</summary>
internal sealed record NodeIdentity(NodeId Node, string Name, ClusterId Cluster, ulong BootCount)
{
    private const string FileName = "identity";
    private const string NewFileName = "identity.new";
    private const ushort Version = 1;
    private const uint Magic = 0x44494648; // "HFID"
    private const int BytesMax = 4096;

    /// <summary>A new incarnation: nobody else has ever had this id.</summary>
    public static NodeIdentity Draw(string name)
    {
        Span<byte> dice = stackalloc byte[8];
        ulong id;
        do
        {
            RandomNumberGenerator.Fill(dice);
            id = BinaryPrimitives.ReadUInt64LittleEndian(dice);
        }
        while (id == 0);
        return new NodeIdentity(new NodeId(id), name, ClusterId.None, 0);
    }

    public NodeIdentity Booted() => this with { BootCount = BootCount + 1 };

    public void Write(IDisk disk)
    {
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(Version);
        writer.WriteUInt32(Magic);
        writer.WriteUInt64(Cluster.Value);
        writer.WriteUInt64(Node.Value);
        writer.WriteUInt64(BootCount);
        writer.WriteBlock(Encoding.UTF8.GetBytes(Name));
        writer.WriteUInt32(Crc32C.Of(buffer.Written));
        disk.Delete(NewFileName);
        using (var file = disk.Open(NewFileName))
        {
            file.Write(0, buffer.Written);
            file.Sync();
        }

        disk.Rename(NewFileName, FileName);
        disk.SyncFolder("");
    }

    /// <summary>Null when there is none.</summary>
    public static NodeIdentity? Read(IDisk disk, string path)
    {
        if (!disk.Exists(FileName)) return null;
        using var file = disk.Open(FileName);
        var bytes = new byte[Math.Min(file.Length, BytesMax)];
        var content = bytes.AsSpan(0, file.Read(0, bytes));
        var whole = content.Length > 4 && BinaryPrimitives.ReadUInt32LittleEndian(content[^4..]) == Crc32C.Of(content[..^4]);
        var reader = new SpanReader(whole ? content[..^4] : content);
        var version = reader.ReadUInt16();
        var magic = reader.ReadUInt32();
        if (magic == Magic && version > Version)
            throw new DataDirectoryException($"{path} was written by a newer Holdfast (format {version}; this program knows {Version}). Start the newer program on it.");
        var cluster = new ClusterId(reader.ReadUInt64());
        var node = new NodeId(reader.ReadUInt64());
        var boots = reader.ReadUInt64();
        var name = Encoding.UTF8.GetString(reader.ReadBlock());
        if (!whole || !reader.IsWhole || magic != Magic || version != Version)
            throw new DataDirectoryException($"The identity file in {path} is damaged. Restore it from a backup of this directory; or, if this node's data may be given up, move the directory away and let the node join anew.");
        return new NodeIdentity(node, name, cluster, boots);
    }
}
