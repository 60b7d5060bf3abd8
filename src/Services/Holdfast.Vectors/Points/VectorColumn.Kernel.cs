using System.Runtime.InteropServices;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Sparse;

namespace Holdfast.Vectors.Points;

/// <summary>
/// One column of a segment: the vectors as they were proposed, whose rows never change once they are visible, and a bit for every row that is alive and has a vector here. One writer; read by anybody.
/// Its index is derived and comes later, or never.
/// </summary>
internal sealed unsafe class VectorColumn
{
    private readonly ReservedMemory live;
    private readonly RowMemory? rows;
    private readonly RowBlobs? blobs;
    private VectorIndex? index;
    private TenantGraphs? tenants;
    private int liveCount;

    /// <summary>Reserves room.</summary>
    public VectorColumn(VectorParams column, int rowsMax)
        : this(column, rowsMax, column.Kind == VectorKind.Dense ? new RowMemory(column.RowBytes, rowsMax) : null, column.Kind == VectorKind.Dense ? null : new RowBlobs(rowsMax))
    {
    }

    /// <summary>A column whose vectors are there: those of a file.</summary>
    public VectorColumn(VectorParams column, int rowsMax, RowMemory? rows, RowBlobs? blobs)
    {
        (Params, this.rows, this.blobs) = (column, rows, blobs);
        live = new ReservedMemory(((long)rowsMax / 8) + 64);
        if (column.Kind == VectorKind.Sparse) Postings = new SparsePostings(rowsMax);
    }

    /// <summary>What it holds.</summary>
    public VectorParams Params { get; }

    /// <summary>The vectors of a column of single ones.</summary>
    public RowMemory Rows => rows!;

    /// <summary>The vectors of the other columns.</summary>
    public RowBlobs Blobs => blobs!;

    /// <summary>Of a sparse column: who has something at a place.</summary>
    public SparsePostings? Postings { get; }

    /// <summary>A bit for each row that is alive and has a vector here.</summary>
    public ulong* Live => (ulong*)live.Base;

    /// <summary>How many bits are set.</summary>
    public int LiveCount => Volatile.Read(ref liveCount);

    /// <summary>The graph, once there is one.</summary>
    public VectorIndex? Index
    {
        get => Volatile.Read(ref index);
        set => Volatile.Write(ref index, value);
    }

    /// <summary>The graphs that large tenants have for themselves; null while nobody has looked for any.</summary>
    public TenantGraphs? Tenants
    {
        get => Volatile.Read(ref tenants);
        set => Volatile.Write(ref tenants, value);
    }

    /// <summary>Writes a row's vector, before the row is visible.</summary>
    public void Write(int row, in NamedVector vector)
    {
        switch (Params.Kind)
        {
            case VectorKind.Dense:
                StoredVectors.Write(Params, vector.Values, Rows.Span(row));
                break;
            case VectorKind.Multi:
                var all = new byte[vector.Values.Length / Params.Size * Params.RowBytes];
                for (var one = 0; one * Params.Size < vector.Values.Length; one++)
                    StoredVectors.Write(Params, vector.Values.AsSpan(one * Params.Size, Params.Size), all.AsSpan(one * Params.RowBytes, Params.RowBytes));
                Blobs.Set(row, all);
                break;
            default:
                var both = new byte[vector.Values.Length * 2 * sizeof(float)];
                MemoryMarshal.AsBytes(vector.Indices.AsSpan()).CopyTo(both);
                MemoryMarshal.AsBytes(vector.Values.AsSpan()).CopyTo(both.AsSpan(both.Length / 2));
                Blobs.Set(row, both);
                break;
        }
    }

    /// <summary>Copies a row's vector as it is stored, from another segment's column of the same kind.</summary>
    public void Copy(int row, VectorColumn from, int fromRow)
    {
        if (rows is not null) from.Rows.Span(fromRow).CopyTo(Rows.Span(row));
        else Blobs.Set(row, from.Blobs.Of(fromRow).ToArray());
        GC.KeepAlive(from);
    }

    /// <summary>A row's vector as floats; of a multi-vector all of them, of a sparse one what is not zero.</summary>
    public float[] Read(int row) => ReadWhole(row).Values;

    /// <summary>A row's vector as it was written.</summary>
    public NamedVector ReadWhole(int row)
    {
        if (Params.Kind == VectorKind.Dense)
        {
            var values = new float[Params.Size];
            StoredVectors.Read(Params, Rows.Row(row), values);
            GC.KeepAlive(this);
            return new NamedVector(Params.Name, values);
        }

        var bytes = Blobs.Of(row);
        if (Params.Kind == VectorKind.Sparse)
            return new NamedVector(Params.Name, MemoryMarshal.Cast<byte, float>(bytes[(bytes.Length / 2)..]).ToArray(), MemoryMarshal.Cast<byte, uint>(bytes[..(bytes.Length / 2)]).ToArray());
        var count = bytes.Length / Params.RowBytes;
        var all = new float[count * Params.Size];
        fixed (byte* first = bytes)
            for (var one = 0; one < count; one++) StoredVectors.Read(Params, first + (one * Params.RowBytes), all.AsSpan(one * Params.Size, Params.Size));
        GC.KeepAlive(this);
        return new NamedVector(Params.Name, all);
    }

    /// <summary>The bytes that count for the state's hash.</summary>
    public ReadOnlySpan<byte> Content(int row) => rows is null ? Blobs.Of(row) : new(Rows.Row(row), Params.Size * Params.ElementBytes);

    /// <summary>Whether a row is alive and has a vector here.</summary>
    public bool IsLive(int row) => (Volatile.Read(ref Live[row >> 6]) & (1UL << row)) != 0;

    /// <summary>Lets a row be found. The writer's.</summary>
    public void Enliven(int row)
    {
        Volatile.Write(ref Live[row >> 6], Live[row >> 6] | (1UL << row));
        Volatile.Write(ref liveCount, liveCount + 1);
    }

    /// <summary>Lets a row be found no more. The writer's.</summary>
    public void Kill(int row)
    {
        if (!IsLive(row)) return;
        Volatile.Write(ref Live[row >> 6], Live[row >> 6] & ~(1UL << row));
        Volatile.Write(ref liveCount, liveCount - 1);
    }
}
