using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>A file of a data directory that cannot be used; the message says why and what to do.</summary>
public sealed class DataDirectoryUnusableException(string message) : Exception(message);

/// <summary>A small file that is there whole or not at all: magic, version, body, CRC-32C; written beside, synced, renamed, and the folder synced.</summary>
internal static class SealedFile
{
    private const byte Version = 1;
    private const long BytesMax = 16 * 1024 * 1024;
    private const int BytesMin = 13;

    private static readonly Mark LeftBeside = new("cluster: a sealed file that was never completed was thrown away", elsewhere: "FoundingTests: a simulated founder seldom dies while it writes so little");

    public static byte[]? Read(IDisk disk, string name, uint magic)
    {
        if (disk.Exists(Beside(name)))
        {
            LeftBeside.Hit();
            disk.Delete(Beside(name));
        }

        if (!disk.Exists(name)) return null;
        using var file = disk.Open(name);
        if (file.Length is < BytesMin or > BytesMax) throw Damaged(name);
        var bytes = new byte[file.Length];
        if (file.Read(0, bytes) != bytes.Length) throw Damaged(name);
        var reader = new SpanReader(bytes);
        var foundMagic = reader.ReadUInt32();
        var version = reader.ReadByte();
        if (foundMagic == magic && version > Version)
            throw new DataDirectoryUnusableException($"the file {name} is of version {version}, this program knows {Version}: start the program that wrote it, or a newer one");
        var body = reader.ReadBlock();
        var checksum = reader.ReadUInt32();
        if (!reader.IsWhole || foundMagic != magic || checksum != Crc32C.Of(bytes.AsSpan(0, bytes.Length - 4))) throw Damaged(name);
        return body.ToArray();
    }

    public static void Write(IDisk disk, string name, uint magic, ReadOnlySpan<byte> body)
    {
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt32(magic);
        writer.WriteByte(Version);
        writer.WriteBlock(body);
        writer.WriteUInt32(Crc32C.Of(buffer.Written));
        disk.Delete(Beside(name));
        using (var file = disk.Open(Beside(name)))
        {
            file.Write(0, buffer.Written);
            file.Sync();
        }

        disk.Rename(Beside(name), name);
        disk.SyncFolder("");
    }

    public static DataDirectoryUnusableException Damaged(string name) =>
        new($"the file {name} is damaged: move the data directory aside and start with an empty one and a join token, or with the node's certificate; the node comes back as a replacement of itself");

    private static string Beside(string name) => name + ".new";
}

/// <summary>A sealed file without content: that it is there says that something was done, once and for good.</summary>
internal sealed class OnceFile(string name, uint magic)
{
    public bool IsThere(IDisk disk) => SealedFile.Read(disk, name, magic) is not null;

    public void Write(IDisk disk)
    {
        if (!IsThere(disk)) SealedFile.Write(disk, name, magic, default);
    }
}
