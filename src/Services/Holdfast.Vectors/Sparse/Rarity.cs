using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Sparse;

/// <summary>The weight of a place by how rare it is among a shard's points (Robertson and Spärck Jones; the form of Lucene and Qdrant, which is never negative).</summary>
internal static class Rarity
{
    /// <summary>A query's components, each times the logarithm of how rare its place is.</summary>
    public static float[] Weighted(Segment[] segments, int column, ReadOnlySpan<uint> indices, ReadOnlySpan<float> values)
    {
        var counts = new int[indices.Length];
        var all = 0L;
        foreach (var segment in segments)
        {
            var here = segment.Columns[column];
            all += here.LiveCount;
            here.Postings!.CountAt(here, segment.Visible, indices, counts);
        }

        var weighted = new float[values.Length];
        for (var at = 0; at < weighted.Length; at++) weighted[at] = values[at] * (float)Math.Log(((all - counts[at] + 0.5) / (counts[at] + 0.5)) + 1);
        return weighted;
    }
}
