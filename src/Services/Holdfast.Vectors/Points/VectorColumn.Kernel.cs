using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Points;

/// <summary>
/// One column of a segment: the vectors as they were proposed, whose rows never change once they are visible, and a bit for every row that is alive and has a vector here. One writer; read by anybody.
/// Its index is derived and comes later, or never.
/// </summary>
internal sealed unsafe class VectorColumn
{
    private readonly ReservedMemory live;
    private VectorIndex? index;
    private int liveCount;

    /// <summary>Reserves room.</summary>
    public VectorColumn(VectorParams column, int rowsMax)
    {
        Params = column;
        Rows = new RowMemory(column.RowBytes, rowsMax);
        live = new ReservedMemory(((long)rowsMax / 8) + 64);
    }

    /// <summary>What it holds.</summary>
    public VectorParams Params { get; }

    /// <summary>The vectors.</summary>
    public RowMemory Rows { get; }

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

    /// <summary>Writes a row's vector, before the row is visible.</summary>
    public void Write(int row, ReadOnlySpan<float> values)
    {
        var target = Rows.Span(row);
        if (Params.Datatype == VectorDatatype.Float32) values.CopyTo(new Span<float>(Rows.Row(row), Params.Size));
        else for (var at = 0; at < values.Length; at++) ((Half*)Rows.Row(row))[at] = (Half)values[at];
        target[(Params.Size * (Params.Datatype == VectorDatatype.Float32 ? sizeof(float) : sizeof(ushort)))..].Clear();
    }

    /// <summary>Copies a row's vector as it is stored, from another segment's column of the same kind.</summary>
    public void Copy(int row, VectorColumn from, int fromRow) => from.Rows.Span(fromRow).CopyTo(Rows.Span(row));

    /// <summary>A row's vector as floats.</summary>
    public float[] Read(int row)
    {
        var values = new float[Params.Size];
        if (Params.Datatype == VectorDatatype.Float32) new ReadOnlySpan<float>(Rows.Row(row), values.Length).CopyTo(values);
        else for (var at = 0; at < values.Length; at++) values[at] = (float)((Half*)Rows.Row(row))[at];
        return values;
    }

    /// <summary>The bytes that count for the state's hash.</summary>
    public ReadOnlySpan<byte> Content(int row) => new(Rows.Row(row), Params.Size * (Params.Datatype == VectorDatatype.Float32 ? sizeof(float) : sizeof(ushort)));

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
