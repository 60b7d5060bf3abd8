using Holdfast.Vectors.Filters.Indexes;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Points;

/// <summary>
/// Rows in the order in which they came: id, payload, vectors. Rows are added at the end and die; they never move and their vectors never change, so that graphs and readers on other threads need no lock.
/// One writer. What is added shows when <see cref="Publish"/> says so. A sealed segment takes no more rows; its content may be a file's.
/// </summary>
internal sealed unsafe class Segment
{
    private const int ChunkRows = 4096;

    private readonly PointId[]?[] ids;
    private readonly RowBlobs payloads;
    private readonly SegmentFile? file;
    private readonly ReservedMemory heads;
    private readonly long headsAt;
    private readonly ReservedMemory live;
    private VectorColumn[] columns = [];
    private int visible;
    private int liveCount;

    /// <summary>An empty segment.</summary>
    public Segment(int number, IReadOnlyList<VectorParams> columns, int rowsMax)
    {
        (Number, RowsMax) = (number, rowsMax);
        Columns = [.. columns.Select(column => new VectorColumn(column, rowsMax))];
        heads = new ReservedMemory((long)rowsMax * sizeof(RowHead));
        ids = new PointId[(rowsMax / ChunkRows) + 1][];
        payloads = new RowBlobs(rowsMax);
        (Scratch, Indexes, live) = Beside(rowsMax);
    }

    /// <summary>A sealed segment whose rows are a file's; none of them is alive yet.</summary>
    public Segment(int number, IReadOnlyList<VectorParams> columns, SegmentFile file)
    {
        (Number, RowsMax, this.file) = (number, file.Rows, file);
        Columns = [.. columns.Select((column, at) => file.ColumnOf(at, column))];
        (heads, headsAt) = (file.Memory, file.HeadsAt);
        ids = [];
        payloads = file.Payloads();
        (Scratch, Indexes, live) = Beside(file.Rows);
        (Count, visible, IsSealed) = (file.Rows, file.Rows, true);
    }

    /// <summary>Its number in its store; never given twice there.</summary>
    public int Number { get; }

    /// <summary>How many rows it may take.</summary>
    public int RowsMax { get; }

    /// <summary>Its columns, in the collection's order. A deleted one's rows stay until the segment is written anew; nobody asks for them.</summary>
    public VectorColumn[] Columns
    {
        get => Volatile.Read(ref columns);
        private set => Volatile.Write(ref columns, value);
    }

    /// <summary>Scratch space for walks through its graphs.</summary>
    public ScratchPool Scratch { get; }

    /// <summary>What is known of its payloads by value.</summary>
    public SegmentIndexes Indexes { get; }

    /// <summary>The files by hash that it is kept in; null while it is in memory only.</summary>
    public SegmentFiles? Files { get; set; }

    /// <summary>Whether the rows of a large tenant lie here and there, although it is sealed: to be written anew. The worker's.</summary>
    public bool IsScattered { get; set; }

    /// <summary>Rows that were added, those that do not show yet included. The writer's.</summary>
    public int Count { get; private set; }

    /// <summary>Rows that readers may look at, dead ones included.</summary>
    public int Visible => Volatile.Read(ref visible);

    /// <summary>Whether it takes no more rows: for good.</summary>
    public bool IsSealed { get; private set; }

    /// <summary>Whether there is room for no more rows.</summary>
    public bool IsFull => IsSealed || Count == RowsMax;

    /// <summary>A bit for each row that is a point's newest.</summary>
    public ulong* Live => (ulong*)live.Base;

    /// <summary>How many points are here.</summary>
    public int LiveCount => Volatile.Read(ref liveCount);

    /// <summary>The bits of 64 rows.</summary>
    public ulong LiveWord(int word) => Volatile.Read(ref Live[word]);

    /// <summary>What the store keeps of a row. The writer's.</summary>
    public ref RowHead Head(int row) => ref ((RowHead*)(heads.Base + headsAt))[row];

    /// <summary>A row's id.</summary>
    public PointId IdOf(int row) => file is null ? ids[row / ChunkRows]![row % ChunkRows] : file.IdOf(row);

    /// <summary>A row's payload, the newest.</summary>
    public Payload PayloadOf(int row) => Payload.Over(payloads.ArrayOf(row));

    /// <summary>A row's payload, the newest, as it is stored; valid while the segment is referred to.</summary>
    public ReadOnlySpan<byte> PayloadJson(int row) => payloads.Of(row);

    /// <summary>Whether a row's payload is another one than its file's.</summary>
    public bool HasNewerPayload(int row) => payloads.IsReplaced(row);

    /// <summary>Adds a row whose vectors the caller writes. It does not show yet.</summary>
    public int Add(in PointId id, Payload payload)
    {
        var row = Count++;
        (ids[row / ChunkRows] ??= new PointId[ChunkRows])[row % ChunkRows] = id;
        payloads.Set(row, payload.Json);
        Head(row) = default;
        return row;
    }

    /// <summary>Gives a row another payload, at once for all readers.</summary>
    public void SetPayload(int row, Payload payload)
    {
        Indexes.MarkChanged(row);
        payloads.Set(row, payload.Json);
    }

    /// <summary>Lets a row be found. The writer's.</summary>
    public void Enliven(int row)
    {
        Volatile.Write(ref Live[row >> 6], Live[row >> 6] | (1UL << row));
        Volatile.Write(ref liveCount, liveCount + 1);
    }

    /// <summary>Lets a row be found, in each column that has a vector of it. The writer's.</summary>
    public void EnlivenWhole(int row)
    {
        for (var column = 0; column < Columns.Length; column++)
            if ((Head(row).Has & (1UL << column)) != 0) Columns[column].Enliven(row);
        Enliven(row);
    }

    /// <summary>Lets a row be found no more. The writer's.</summary>
    public void Kill(int row)
    {
        if (!IsLive(row)) return;
        Volatile.Write(ref Live[row >> 6], Live[row >> 6] & ~(1UL << row));
        Volatile.Write(ref liveCount, liveCount - 1);
    }

    /// <summary>Lets a row be found no more, in no column. The writer's.</summary>
    public void KillWhole(int row)
    {
        foreach (var column in Columns) column.Kill(row);
        Kill(row);
    }

    /// <summary>Whether a row is a point's newest.</summary>
    public bool IsLive(int row) => (Volatile.Read(ref Live[row >> 6]) & (1UL << row)) != 0;

    /// <summary>Lets readers look at everything that was added.</summary>
    public void Publish() => Volatile.Write(ref visible, Count);

    /// <summary>Columns that the collection got since are here too, without a vector in them. The writer's.</summary>
    public void Widen(IReadOnlyList<VectorParams> all)
    {
        if (all.Count <= Columns.Length) return;
        if (Files is { } files && files.Graphs.Length < all.Count) Files = files with { Graphs = [.. files.Graphs, .. new Holdfast.Storage.FileHash?[all.Count - files.Graphs.Length]] };
        Columns = [.. Columns, .. all.Skip(Columns.Length).Select(column => new VectorColumn(column, RowsMax))];
    }

    /// <summary>Takes no more rows from now on. The writer's.</summary>
    public void Seal() => IsSealed = true;

    private static (ScratchPool Scratch, SegmentIndexes Indexes, ReservedMemory Live) Beside(int rowsMax) => (new(rowsMax), new(rowsMax), new(((long)rowsMax / 8) + 64));
}

/// <summary>What the store keeps of a row besides its content. Part of the format of segment files.</summary>
internal struct RowHead
{
    /// <summary>Hash of the vectors.</summary>
    public ulong VectorHash;

    /// <summary>The entry that ended it; zero while it lives. For snapshots that began before.</summary>
    public ulong DiedAt;

    /// <summary>The entry that wrote the point last, its payload included: what clients see as its version.</summary>
    public ulong Version;

    /// <summary>A bit for each column that has a vector.</summary>
    public ulong Has;
}
