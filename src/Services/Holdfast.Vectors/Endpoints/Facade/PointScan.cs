using System.Numerics;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A page of points in the order of their names.</summary>
internal sealed record PointPage(ShardState State, List<PointRow> Rows, PointId? Next);

/// <summary>Walks over ids: what runs where nothing is applied meanwhile, and short.</summary>
internal static class PointScan
{
    /// <summary>The rows of these ids.</summary>
    public static List<PointRow> Find(ShardState state, IReadOnlyList<PointId> ids)
    {
        var rows = new List<PointRow>(ids.Count);
        foreach (var id in ids)
            if (state.Store.TryFind(id, out var segment, out var row)) rows.Add(new PointRow(segment, row));
        return rows;
    }

    /// <summary>So many points from an id on.</summary>
    public static PointPage Page(ShardState state, PointId? from, int count)
    {
        var found = state.Store.Ids.From(from, count + 1);
        var rows = new List<PointRow>(found.Count);
        for (var at = 0; at < Math.Min(count, found.Count); at++) rows.Add(new PointRow(state.Store.SegmentOf(found[at].Value), found[at].Value.Row));
        return new PointPage(state, rows, found.Count > count ? found[count].Key : null);
    }

    /// <summary>The ids of admitted rows.</summary>
    public static List<PointId> IdsOf(Segment segment, in AdmittedRows admitted)
    {
        var ids = new List<PointId>(admitted.Count);
        for (var word = 0; word < admitted.Bits.Length; word++)
            for (var bits = admitted.Bits[word]; bits != 0; bits &= bits - 1) ids.Add(segment.IdOf((word << 6) + BitOperations.TrailingZeroCount(bits)));
        return ids;
    }
}
