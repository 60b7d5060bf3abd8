namespace Holdfast.Vectors.Queries;

/// <summary>Merges lists of found points whose scores mean different things.</summary>
internal static class Fusion
{
    /// <summary>What Qdrant adds to a rank when nobody says anything.</summary>
    public const int RankOffset = 2;

    /// <summary>Reciprocal ranks: a point gets from each list one over its rank there, counted from <paramref name="offset"/> (Cormack, Clarke and Büttcher); a list's weight stretches its ranks.</summary>
    public static List<FoundPoint> ByRank(IReadOnlyList<IReadOnlyList<FoundPoint>> lists, int offset, IReadOnlyList<float> weights) =>
        Merge(lists, (list, at) => weights.Count == 0 ? 1f / (at + offset) : weights[list] <= 0 ? 0 : 1f / ((at / weights[list]) + offset));

    /// <summary>Scores by their place in their own list's spread: three standard deviations below the mean are 0, above it 1; then they are added.</summary>
    public static List<FoundPoint> ByDistribution(IReadOnlyList<IReadOnlyList<FoundPoint>> lists)
    {
        (float Low, float High)[] bounds = [.. lists.Select(Bounds)];
        return Merge(lists, (list, at) =>
        {
            var (low, high) = bounds[list];
            return high > low ? (lists[list][at].Score - low) / (high - low) : 0.5f;
        });
    }

    private static (float Low, float High) Bounds(IReadOnlyList<FoundPoint> list)
    {
        if (list.Count < 2) return (0, 0);
        var mean = list.Average(row => (double)row.Score);
        var deviation = Math.Sqrt(list.Sum(row => (row.Score - mean) * (row.Score - mean)) / (list.Count - 1));
        return ((float)(mean - (3 * deviation)), (float)(mean + (3 * deviation)));
    }

    private static List<FoundPoint> Merge(IReadOnlyList<IReadOnlyList<FoundPoint>> lists, Func<int, int, float> share)
    {
        var merged = new Dictionary<Points.PointId, FoundPoint>();
        for (var list = 0; list < lists.Count; list++)
            for (var at = 0; at < lists[list].Count; at++)
            {
                var point = lists[list][at];
                merged[point.Id] = point with { Score = share(list, at) + (merged.TryGetValue(point.Id, out var before) ? before.Score : 0) };
            }

        return [.. merged.Values.OrderByDescending(row => row.Score).ThenBy(row => row.Id)];
    }
}
