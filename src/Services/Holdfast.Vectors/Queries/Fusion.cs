namespace Holdfast.Vectors.Queries;

/// <summary>Merges lists of found points whose scores mean different things.</summary>
internal static class Fusion
{
    /// <summary>What Qdrant adds to a rank when nobody says anything.</summary>
    public const int RankOffset = 2;

    /// <summary>Reciprocal ranks: a point gets from each list one over its rank there, counted from <paramref name="offset"/> (Cormack, Clarke and Büttcher).</summary>
    public static List<ScoredRow> ByRank(IReadOnlyList<List<ScoredRow>> lists, int offset) => Merge(lists, (list, at) => 1f / (at + offset));

    /// <summary>Scores by their place in their own list's spread: three standard deviations below the mean are 0, above it 1; then they are added.</summary>
    public static List<ScoredRow> ByDistribution(IReadOnlyList<List<ScoredRow>> lists)
    {
        var bounds = lists.ToDictionary(list => list, Bounds);
        return Merge(lists, (list, at) =>
        {
            var (low, high) = bounds[list];
            return high > low ? (list[at].Score - low) / (high - low) : 0.5f;
        });
    }

    private static (float Low, float High) Bounds(List<ScoredRow> list)
    {
        if (list.Count < 2) return (0, 0);
        var mean = list.Average(row => (double)row.Score);
        var deviation = Math.Sqrt(list.Sum(row => (row.Score - mean) * (row.Score - mean)) / (list.Count - 1));
        return ((float)(mean - (3 * deviation)), (float)(mean + (3 * deviation)));
    }

    private static List<ScoredRow> Merge(IReadOnlyList<List<ScoredRow>> lists, Func<List<ScoredRow>, int, float> share)
    {
        var merged = new Dictionary<Points.PointId, ScoredRow>();
        foreach (var list in lists)
            for (var at = 0; at < list.Count; at++)
            {
                var score = share(list, at) + (merged.TryGetValue(list[at].Id, out var before) ? before.Score : 0);
                merged[list[at].Id] = list[at] with { Score = score };
            }

        return [.. merged.Values.OrderByDescending(row => row.Score).ThenBy(row => row.Id)];
    }
}
