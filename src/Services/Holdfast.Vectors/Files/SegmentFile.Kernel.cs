using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Files;

/// <summary>The parts of a segment file, by column where there is one each. Part of the format: never renumber.</summary>
internal enum SegmentPart : byte
{
    /// <summary>24 bytes per row.</summary>
    Ids = 1,

    /// <summary>A <see cref="RowHead"/> per row.</summary>
    Heads = 2,

    /// <summary>Payloads, one behind another.</summary>
    Payloads = 3,

    /// <summary>Where each payload begins, and where the last one ends.</summary>
    PayloadBounds = 4,

    /// <summary>A column's vectors: rows of equal length, or of any length.</summary>
    Vectors = 5,

    /// <summary>Where each row's vectors begin, of a column whose rows have any length.</summary>
    VectorBounds = 6,
}

/// <summary>
/// The rows of a sealed segment as an immutable file, mapped into memory: parts on page borders, and behind them a table of what stands where. A storage engine has checked all its bytes before it is opened; what
/// is asked here is whether the table makes sense.
/// </summary>
internal sealed unsafe class SegmentFile
{
    /// <summary>The format that this binary writes and reads.</summary>
    public const ushort Version = 1;

    /// <summary>Bytes at the file's end: the table's length, its checksum, and what kind of file it is.</summary>
    public const int TailBytes = 16;

    /// <summary>"HFSEGROW".</summary>
    public const ulong Kind = 0x574F524745534648;

    /// <summary>Bytes of an id.</summary>
    public const int IdBytes = 24;

    private readonly Dictionary<(SegmentPart Part, int Column), (long Offset, long Bytes)> parts;
    private readonly long idsAt;

    private SegmentFile(ReservedMemory memory, int rows, Dictionary<(SegmentPart Part, int Column), (long Offset, long Bytes)> parts)
    {
        (Memory, Rows, this.parts) = (memory, rows, parts);
        idsAt = parts[(SegmentPart.Ids, 0)].Offset;
        HeadsAt = parts[(SegmentPart.Heads, 0)].Offset;
    }

    /// <summary>The mapping.</summary>
    public ReservedMemory Memory { get; }

    /// <summary>How many rows.</summary>
    public int Rows { get; }

    /// <summary>Where the heads begin.</summary>
    public long HeadsAt { get; }

    /// <summary>Opens a file and asks for what will be wanted at once.</summary>
    /// <exception cref="SnapshotDamagedException">It is not here, or is no such file of these columns.</exception>
    public static SegmentFile Open(StateFiles files, FileHash hash, IReadOnlyList<VectorParams> columns)
    {
        using var open = files.Open(hash);
        ReservedMemory memory;
        try
        {
            memory = ReservedMemory.OfFile(open);
        }
        catch (IOException failure)
        {
            throw new SnapshotDamagedException($"The segment file {hash} cannot be read: {failure.Message}");
        }

        var file = Read(memory, open.Length, columns) ?? throw new SnapshotDamagedException($"The state file {hash} is no segment of this collection.");
        file.WarmUp(columns);
        return file;
    }

    /// <summary>A row's id.</summary>
    public PointId IdOf(int row)
    {
        var at = (ulong*)(Memory.Base + idsAt + ((long)row * IdBytes));
        var id = PointId.Of(at[2] != 0, new UInt128(at[1], at[0]));
        GC.KeepAlive(this);
        return id;
    }

    /// <summary>The payloads.</summary>
    public RowBlobs Payloads() => new(Rows, Memory, parts[(SegmentPart.PayloadBounds, 0)].Offset, parts[(SegmentPart.Payloads, 0)].Offset);

    /// <summary>A column. One that the collection got later, or has no more, is empty.</summary>
    public VectorColumn ColumnOf(int number, VectorParams column)
    {
        if (column.IsGone || !parts.ContainsKey((SegmentPart.Vectors, number))) return new VectorColumn(column, Rows);
        var at = parts[(SegmentPart.Vectors, number)].Offset;
        return column.Kind == VectorKind.Dense
            ? new VectorColumn(column, Rows, new RowMemory(Memory, at, column.RowBytes, Rows), null)
            : new VectorColumn(column, Rows, null, new RowBlobs(Rows, Memory, parts[(SegmentPart.VectorBounds, number)].Offset, at));
    }

    private static SegmentFile? Read(ReservedMemory memory, long length, IReadOnlyList<VectorParams> columns)
    {
        if (length < TailBytes) return null;
        var tail = new ReadOnlySpan<byte>(memory.Base + length - TailBytes, TailBytes);
        var bytes = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]) != Kind || bytes < 0 || bytes > length - TailBytes) return null;
        var table = new ReadOnlySpan<byte>(memory.Base + length - TailBytes - bytes, bytes);
        if (Crc32C.Of(table) != BinaryPrimitives.ReadUInt32LittleEndian(tail[4..])) return null;
        var reader = new SpanReader(table);
        if (reader.ReadUInt16() != Version) return null;
        var rows = (int)reader.ReadUInt32();
        var parts = new Dictionary<(SegmentPart Part, int Column), (long Offset, long Bytes)>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) parts[((SegmentPart)reader.ReadByte(), reader.ReadByte())] = ((long)reader.ReadUInt64(), (long)reader.ReadUInt64());
        if (!reader.IsWhole || rows <= 0 || !Holds(SegmentPart.Ids, 0, (long)rows * IdBytes) || !Holds(SegmentPart.Heads, 0, (long)rows * sizeof(RowHead)) || !IsBounded(SegmentPart.PayloadBounds, SegmentPart.Payloads, 0)) return null;
        for (var column = 0; column < columns.Count; column++)
        {
            if (columns[column].IsGone || !parts.ContainsKey((SegmentPart.Vectors, column))) continue;
            if (columns[column].Kind == VectorKind.Dense ? !Holds(SegmentPart.Vectors, column, (long)rows * columns[column].RowBytes) : !IsBounded(SegmentPart.VectorBounds, SegmentPart.Vectors, column)) return null;
        }

        return new SegmentFile(memory, rows, parts);

        bool Holds(SegmentPart part, int column, long wanted) => parts.TryGetValue((part, column), out var found) && found.Bytes == wanted && found.Offset >= 0 && found.Offset % 4096 == 0 && found.Offset + found.Bytes <= length;

        bool IsBounded(SegmentPart bounds, SegmentPart content, int column) =>
            Holds(bounds, column, (rows + 1L) * sizeof(ulong)) && parts.TryGetValue((content, column), out var found) && Holds(content, column, found.Bytes) && (long)((ulong*)(memory.Base + parts[(bounds, column)].Offset))[rows] == found.Bytes;
    }

    /// <summary>Vectors that are to be in memory are read ahead; of those that are to stay on disk only what a search asks for.</summary>
    private void WarmUp(IReadOnlyList<VectorParams> columns)
    {
        Ahead(SegmentPart.Ids, 0);
        Ahead(SegmentPart.Heads, 0);
        for (var column = 0; column < columns.Count; column++)
        {
            if (columns[column].IsGone || !parts.ContainsKey((SegmentPart.Vectors, column))) continue;
            if (!columns[column].IsOnDisk) Ahead(SegmentPart.Vectors, column);
            else Memory.ExpectScatteredReads(parts[(SegmentPart.Vectors, column)].Offset, parts[(SegmentPart.Vectors, column)].Bytes);
        }

        void Ahead(SegmentPart part, int column) => Memory.WarmUp(parts[(part, column)].Offset, parts[(part, column)].Bytes);
    }
}
