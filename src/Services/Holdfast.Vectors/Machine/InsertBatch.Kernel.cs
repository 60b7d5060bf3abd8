using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine;

/// <summary>
/// Rows that come into one graph, inserted by several threads side by side: whoever has the shard begins, and threads that have nothing else to do join while rows are left. The graph takes them at once
/// (<see cref="HnswGraph{TMetric}"/>), each row by one thread.
/// </summary>
/// <param name="segment">Whose rows.</param>
/// <param name="column">The column.</param>
/// <param name="index">The graph.</param>
/// <param name="from">The first row.</param>
/// <param name="to">The row behind the last.</param>
/// <param name="isThere">By row, whether it is in the graph already; null for none.</param>
internal sealed unsafe class InsertBatch(Segment segment, VectorColumn column, VectorIndex index, int from, int to, bool[]? isThere = null)
{
    private int next = from;
    private int inserted;

    // The beginner's place is taken from the start; zero is the end, which nobody joins.
    private int threads = 1;

    /// <summary>The row behind the last.</summary>
    public int To => to;

    /// <summary>How many rows came into the graph, once it is over.</summary>
    public int Inserted => inserted;

    /// <summary>Takes part, if it is not over; then <see cref="Run"/> and <see cref="Leave"/>.</summary>
    public bool TryJoin()
    {
        for (var seen = Volatile.Read(ref threads); seen > 0;)
        {
            var before = Interlocked.CompareExchange(ref threads, seen + 1, seen);
            if (before == seen) return true;
            seen = before;
        }

        return false;
    }

    /// <summary>Inserts rows until none is left.</summary>
    public void Run()
    {
        var (scratch, mine) = (segment.Scratch.Rent(), 0);
        for (int row; (row = Interlocked.Increment(ref next) - 1) < to;)
        {
            if (!column.IsLive(row) || isThere?[row] == true) continue;
            index.Insert(row, column.Live, scratch);
            mine++;
        }

        Interlocked.Add(ref inserted, mine);
        segment.Scratch.Return(scratch);
        GC.KeepAlive(segment);
    }

    /// <summary>Takes part no more.</summary>
    public void Leave() => Interlocked.Decrement(ref threads);

    /// <summary>The beginner leaves, and waits until the rows that others have begun are in the graph.</summary>
    public void End()
    {
        Leave();
        for (var spin = default(SpinWait); Volatile.Read(ref threads) > 0;) spin.SpinOnce();
    }
}
