using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine;

/// <summary>How much of the machine the building of graphs may take.</summary>
internal sealed record IndexWorkerOptions
{
    /// <summary>A collection cannot have its segments smaller: there would be a file for every few rows.</summary>
    private const int SegmentRowsLeast = 1000;

    /// <summary>Threads of the whole node. Half of the processors, so that consensus and searches keep the others.</summary>
    public int Threads { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>The share of its time that a thread works while there is something to do; it rests for the remainder.</summary>
    public double Share { get; init; } = 0.9;

    /// <summary>Rows of a segment below which no graph is built: they are measured one by one in less time than a walk takes.</summary>
    public int RowsMin { get; init; } = 2000;

    /// <summary>Rows of a growing segment from which on it is sealed, when nothing else is to be done: fewer are cheap to index again after a restart, and many small segments are slow to search.</summary>
    public int SealRowsMin { get; init; } = 10_000;

    /// <summary>Rows beyond which segments are not merged.</summary>
    public int SegmentRowsMax { get; init; } = int.MaxValue;

    /// <summary>The share of a sealed segment's rows that may be dead before it is written anew. Qdrant's default.</summary>
    public double DeadShareMax { get; init; } = 0.2;

    /// <summary>Dead rows below which a sealed segment is left alone. Qdrant's default.</summary>
    public int DeadRowsMin { get; init; } = 1000;

    /// <summary>Whether nothing is indexed and merged.</summary>
    public bool IsOff { get; init; }

    /// <summary>The same, with what a collection asks for.</summary>
    public IndexWorkerOptions Under(CollectionConfig collection)
    {
        var rules = collection.Optimizers;
        return this with
        {
            DeadShareMax = rules.IsDeadShareUsual ? DeadShareMax : rules.DeadShareMax,
            DeadRowsMin = rules.IsDeadRowsUsual ? DeadRowsMin : (int)Math.Min(int.MaxValue, rules.DeadRowsMin),
            SegmentRowsMax = rules.SegmentKilobytesMax is { } kilobytes ? (int)Math.Clamp(Math.Min(kilobytes, long.MaxValue >> 10) * 1024 / Math.Max(1, collection.Columns.Sum(column => (long)column.RowBytes)), SegmentRowsLeast, SegmentRowsMax) : SegmentRowsMax,
            IsOff = rules.Threads == 0,
        };
    }

    /// <summary>Rows from which on a segment gets a graph of a column; more than there can be for never.</summary>
    public int RowsMinOf(OptimizerRules rules, VectorParams column) =>
        rules.IsGraphMinUsual ? RowsMin : rules.GraphKilobytesMin == 0 ? int.MaxValue : (int)Math.Clamp(Math.Min(rules.GraphKilobytesMin, long.MaxValue >> 10) * 1024 / column.RowBytes, 1, int.MaxValue);
}
