using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>A state file's pieces, remembered beside it, so that a snapshot that names the file need not read it. Format: version, count, length and CRC-32C of each, and a CRC-32C over all of it.</summary>
internal static class FilePieces
{
    private const ushort Version = 1;
    private const int EachBytes = 8;

    public static void Write(IDisk disk, string path, ReadOnlySpan<SnapshotChunk> pieces)
    {
        var buffer = new ByteBuffer(16 + (pieces.Length * EachBytes));
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(Version);
        writer.WriteUInt32((uint)pieces.Length);
        foreach (var piece in pieces)
        {
            writer.WriteUInt32((uint)piece.Bytes);
            writer.WriteUInt32(piece.Crc);
        }

        writer.WriteUInt32(Crc32C.Of(buffer.Written));
        disk.Delete(path);
        using var file = disk.Open(path);
        file.Write(0, buffer.Written);
        file.Sync();
    }

    /// <summary>Null when it is missing, damaged or of a version this program does not know.</summary>
    public static SnapshotChunk[]? Read(IDisk disk, string path)
    {
        if (!disk.Exists(path)) return null;
        using var file = disk.Open(path);
        if (file.Length is < 10 or > SnapshotManifest.ChunksMax * (long)EachBytes) return null;
        var bytes = new byte[file.Length];
        if (file.Read(0, bytes) != bytes.Length || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(bytes.Length - 4)) != Crc32C.Of(bytes.AsSpan(0, bytes.Length - 4))) return null;
        var reader = new SpanReader(bytes.AsSpan(0, bytes.Length - 4));
        var version = reader.ReadUInt16();
        var count = reader.ReadUInt32();
        if (version != Version || reader.Rest.Length != count * EachBytes) return null;
        var pieces = new SnapshotChunk[count];
        for (var i = 0; i < pieces.Length; i++) pieces[i] = new SnapshotChunk((int)reader.ReadUInt32(), reader.ReadUInt32());
        return pieces;
    }
}
