using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>Where a recommendation by the mean looks: at the mean of what is wanted, moved by as much again away from the mean of what is not. Multi-vectors have no mean: all of
/// them are looked for at once, those of what is not wanted turned about.</summary>
internal static class VectorMean
{
    /// <summary>The place.</summary>
    public static NamedVector Towards(IReadOnlyList<NamedVector> positive, IReadOnlyList<NamedVector> negative, VectorParams column)
    {
        if (column.Kind == VectorKind.Multi) return new NamedVector(column.Name, [.. positive.SelectMany(vector => vector.Values), .. negative.SelectMany(vector => vector.Values).Select(component => -component)]);
        if (column.Kind == VectorKind.Sparse)
        {
            var sums = new SortedDictionary<uint, float>();
            Add(sums, positive, (negative.Count == 0 ? 1f : 2f) / positive.Count);
            if (negative.Count > 0) Add(sums, negative, -1f / negative.Count);
            return new NamedVector(column.Name, [.. sums.Values], [.. sums.Keys]);
        }

        var (plus, minus) = (Mean(positive), negative.Count == 0 ? null : Mean(negative));
        return new NamedVector(column.Name, minus is null ? plus : [.. plus.Zip(minus, (one, other) => one + one - other)]);
    }

    private static void Add(SortedDictionary<uint, float> sums, IReadOnlyList<NamedVector> vectors, float weight)
    {
        foreach (var vector in vectors)
            for (var at = 0; at < vector.Values.Length; at++) sums[vector.Indices![at]] = sums.GetValueOrDefault(vector.Indices[at]) + (weight * vector.Values[at]);
    }

    private static float[] Mean(IReadOnlyList<NamedVector> vectors)
    {
        var mean = new float[vectors[0].Values.Length];
        foreach (var vector in vectors)
            for (var at = 0; at < mean.Length; at++) mean[at] += vector.Values[at] / vectors.Count;
        return mean;
    }
}
