using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine;

/// <summary>What has come to a shard, and what of it no graph holds yet.</summary>
/// <param name="Rows">Rows that came, the dead included.</param>
/// <param name="Bytes">Bytes of rows that wait for a graph: a search scans all of them meanwhile.</param>
internal readonly record struct IndexBacklog(long Rows, long Bytes)
{
    /// <summary>A shard's. What is too small for a graph waits for none.</summary>
    public static IndexBacklog Of(ShardState state, IndexWorkerOptions options)
    {
        var (rows, bytes, columns) = (0L, 0L, state.Store.Columns);
        foreach (var segment in state.Store.Segments)
        {
            rows += segment.Visible;
            for (var number = 0; number < Math.Min(segment.Columns.Length, columns.Count); number++)
            {
                var column = segment.Columns[number];
                if (options.IsOff || columns[number].IsGone || column.Params.Kind != VectorKind.Dense || column.Params.Graph.M == 0 || column.LiveCount < options.RowsMinOf(state.Config.Optimizers, columns[number])) continue;
                bytes += Math.Max(0, segment.Visible - (column.Index?.Indexed ?? 0)) * (long)column.Params.RowBytes;
            }
        }

        return new IndexBacklog(rows, bytes);
    }

    /// <summary>Two shards' together.</summary>
    public IndexBacklog And(IndexBacklog other) => new(Rows + other.Rows, Bytes + other.Bytes);
}

/// <summary>How fast rows come: counted over windows of a fifth of a second, so that a load is known soon, and its end too. Pure.</summary>
internal sealed class ArrivalRate
{
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(200);

    private TimeSpan since;
    private long counted = -1;

    /// <summary>Rows a second in the last window that is over; zero before the first one is.</summary>
    public double PerSecond { get; private set; }

    /// <summary>Whether a window is over.</summary>
    public bool IsDue(TimeSpan now) => counted < 0 || now - since >= Window;

    /// <summary>Notes how many there are at a window's end. Merges leave the dead out, so there may be fewer than before.</summary>
    public void Note(long rows, TimeSpan now)
    {
        PerSecond = counted < 0 ? 0 : Math.Max(0, rows - counted) / (now - since).TotalSeconds;
        (since, counted) = (now, rows);
    }
}
