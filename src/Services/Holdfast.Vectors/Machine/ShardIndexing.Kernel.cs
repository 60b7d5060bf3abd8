using System.Numerics;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine;

/// <summary>What one shard's graphs still lack, in batches of some milliseconds; for one thread at a time.</summary>
internal sealed unsafe class ShardIndexing(IndexWorkerOptions options)
{
    private const int RowsPerBatch = 128;
    private const int SampleRows = 2000;

    /// <summary>A graph is mended when one in so many of its rows died since.</summary>
    private const int MendShare = 10;

    private readonly Dictionary<VectorIndex, int> mendedAt = [];
    private int busy;

    /// <summary>Takes the shard for this thread; false when another has it.</summary>
    public bool TryEnter() => Interlocked.CompareExchange(ref busy, 1, 0) == 0;

    /// <summary>Gives it back.</summary>
    public void Leave() => Volatile.Write(ref busy, 0);

    /// <summary>One batch; false when nothing is left to do.</summary>
    public bool Work(PointStore store)
    {
        foreach (var segment in store.Segments)
            foreach (var column in segment.Columns)
                if (Insert(segment, column) || Mend(segment, column)) return true;
        return false;
    }

    private bool Insert(Segment segment, VectorColumn column)
    {
        var visible = segment.Visible;
        if (column.Index is null && column.LiveCount < options.RowsMin) return false;
        var index = column.Index ??= new VectorIndex(column.Params, column.Rows, Sample(column, visible));
        var from = index.Indexed;
        if (from >= visible) return false;
        var scratch = segment.Scratch.Rent();
        var row = from;
        for (var left = RowsPerBatch; row < visible && left > 0; row++)
        {
            if (!column.IsLive(row)) continue;
            index.Insert(row, column.Live, scratch);
            left--;
        }

        segment.Scratch.Return(scratch);
        index.Advance(row);
        GC.KeepAlive(segment);
        return true;
    }

    private bool Mend(Segment segment, VectorColumn column)
    {
        if (column.Index is not { } index || index.Indexed == 0) return false;
        var dead = index.Indexed - CountLive(column, index.Indexed);
        var known = mendedAt.GetValueOrDefault(index);
        if ((dead - known) * MendShare < index.Indexed) return false;
        mendedAt[index] = dead;
        index.MendEntry(column.Live);
        var scratch = segment.Scratch.Rent();
        for (var row = 0; row < index.Indexed; row++)
            if (column.IsLive(row)) index.Mend(row, column.Live, scratch);
        segment.Scratch.Return(scratch);
        GC.KeepAlive(segment);
        return true;
    }

    private static int CountLive(VectorColumn column, int rows)
    {
        var count = 0;
        for (var word = 0; word << 6 < rows; word++) count += BitOperations.PopCount(column.Live[word]);
        return Math.Min(count, rows);
    }

    private static float[] Sample(VectorColumn column, int visible)
    {
        var (rows, size) = (Math.Min(SampleRows, visible), column.Params.Size);
        var sample = new List<float>(Math.Min(rows * size, 1 << 20));
        var step = Math.Max(1, visible / Math.Max(1, rows));
        for (var row = 0; row < visible && sample.Count < 1 << 20; row += step)
            if (column.IsLive(row)) sample.AddRange(column.Read(row));
        return [.. sample];
    }
}
