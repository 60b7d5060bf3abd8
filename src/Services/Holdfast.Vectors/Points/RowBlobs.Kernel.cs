using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Points;

/// <summary>Bytes of any length per row: those of a file, and those that were written here since, which come first. One writer; a row's bytes are written once before it shows, or replaced whole.</summary>
internal sealed unsafe class RowBlobs
{
    private const int ChunkRows = 4096;

    private readonly byte[]?[]?[] written;
    private readonly ReservedMemory? file;
    private readonly long offsets;
    private readonly long content;

    /// <summary>No bytes yet.</summary>
    public RowBlobs(int rowsMax) => written = new byte[]?[]?[(rowsMax / ChunkRows) + 1];

    /// <summary>A file's: where each row's bytes begin, and where the last one's end, and the bytes.</summary>
    public RowBlobs(int rowsMax, ReservedMemory file, long offsets, long content)
        : this(rowsMax) => (this.file, this.offsets, this.content) = (file, offsets, content);

    /// <summary>Whether a row's bytes are other ones than the file's.</summary>
    public bool IsReplaced(int row) => Volatile.Read(ref written[row / ChunkRows]) is { } chunk && Volatile.Read(ref chunk[row % ChunkRows]) is not null;

    /// <summary>A row's bytes, as long as this object is referred to.</summary>
    public ReadOnlySpan<byte> Of(int row)
    {
        if (Volatile.Read(ref written[row / ChunkRows]) is { } chunk && Volatile.Read(ref chunk[row % ChunkRows]) is { } bytes) return bytes;
        if (file is null) return default;
        var bounds = (ulong*)(file.Base + offsets) + row;
        return new ReadOnlySpan<byte>(file.Base + content + bounds[0], (int)(bounds[1] - bounds[0]));
    }

    /// <summary>A row's bytes as an array that nobody changes: the one that was set, or a copy of the file's.</summary>
    public byte[] ArrayOf(int row)
    {
        if (Volatile.Read(ref written[row / ChunkRows]) is { } chunk && Volatile.Read(ref chunk[row % ChunkRows]) is { } bytes) return bytes;
        var copy = Of(row).ToArray();
        GC.KeepAlive(this);
        return copy;
    }

    /// <summary>Sets a row's bytes. The writer's.</summary>
    public void Set(int row, byte[] bytes)
    {
        ref var chunk = ref written[row / ChunkRows];
        if (chunk is null) Volatile.Write(ref chunk, new byte[]?[ChunkRows]);
        Volatile.Write(ref chunk![row % ChunkRows], bytes);
    }
}
