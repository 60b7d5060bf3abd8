using System.Numerics;
using System.Runtime.InteropServices;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>How alike two vectors are that a reader holds: for choosing among a few that were found, for matrices of samples, and for examples that no graph's kernel compares.</summary>
internal static class VectorScore
{
    /// <summary>How alike they are; more is closer, whatever the distance. Of multi-vectors, the sum over the first's of the closest of the second's (MaxSim).</summary>
    public static float Likeness(VectorParams column, in NamedVector one, in NamedVector other)
    {
        switch (column.Kind)
        {
            case VectorKind.Dense: return Likeness(column.Distance, one.Values, other.Values);
            case VectorKind.Sparse: return Shared(one, other);
        }

        var sum = 0f;
        for (var mine = 0; mine < one.Values.Length; mine += column.Size)
        {
            var best = float.NegativeInfinity;
            for (var theirs = 0; theirs < other.Values.Length; theirs += column.Size) best = MathF.Max(best, Likeness(column.Distance, one.Values.AsSpan(mine, column.Size), other.Values.AsSpan(theirs, column.Size)));
            sum += best;
        }

        return sum;
    }

    private static float Likeness(Distance distance, ReadOnlySpan<float> one, ReadOnlySpan<float> other) => distance.IsSimilarity() ? Sum(distance, one, other) : -Score(distance, one, other);

    private static float Score(Distance distance, ReadOnlySpan<float> one, ReadOnlySpan<float> other) => distance == Distance.Euclid ? MathF.Sqrt(Sum(distance, one, other)) : Sum(distance, one, other);

    private static float Sum(Distance distance, ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        var left = MemoryMarshal.Cast<float, Vector<float>>(one);
        var right = MemoryMarshal.Cast<float, Vector<float>>(other);
        var sums = Vector<float>.Zero;
        for (var at = 0; at < left.Length; at++) sums += Step(distance, left[at], right[at]);
        var sum = Vector.Sum(sums);
        for (var at = left.Length * Vector<float>.Count; at < one.Length; at++)
        {
            var apart = one[at] - other[at];
            sum += distance switch { Distance.Euclid => apart * apart, Distance.Manhattan => MathF.Abs(apart), _ => one[at] * other[at] };
        }

        return sum;
    }

    /// <summary>The dot product over the places that both have.</summary>
    private static float Shared(in NamedVector one, in NamedVector other)
    {
        var (sum, mine, theirs) = (0f, 0, 0);
        while (mine < one.Indices!.Length && theirs < other.Indices!.Length)
        {
            var order = one.Indices[mine].CompareTo(other.Indices[theirs]);
            if (order == 0) sum += one.Values[mine] * other.Values[theirs];
            if (order <= 0) mine++;
            if (order >= 0) theirs++;
        }

        return sum;
    }

    private static Vector<float> Step(Distance distance, Vector<float> one, Vector<float> other) => distance switch
    {
        Distance.Euclid => (one - other) * (one - other),
        Distance.Manhattan => Vector.Abs(one - other),
        _ => one * other,
    };
}

/// <summary>Chooses points that answer a query and are unlike one another (maximal marginal relevance; Carbonell and Goldstein 1998).</summary>
internal static class DiverseChoice
{
    /// <summary>So many of the candidates, in the order in which they are chosen; each has its vector.</summary>
    /// <param name="candidates">Found points with the vector that is compared.</param>
    /// <param name="query">The query's vector.</param>
    /// <param name="column">How they are compared.</param>
    /// <param name="relevance">How much nearness to the query counts, 0 to 1.</param>
    /// <param name="limit">How many.</param>
    public static List<FoundPoint> Choose(IReadOnlyList<(FoundPoint Point, NamedVector Vector)> candidates, NamedVector query, VectorParams column, float relevance, int limit)
    {
        var left = candidates.ToList();
        var closeness = left.Select(each => VectorScore.Likeness(column, query, each.Vector)).ToList();
        var nearest = left.Select(_ => float.NegativeInfinity).ToList();
        var chosen = new List<FoundPoint>();
        while (chosen.Count < limit && left.Count > 0)
        {
            var best = 0;
            for (var at = 1; at < left.Count; at++)
                if (Worth(at) > Worth(best)) best = at;
            var (point, vector) = left[best];
            chosen.Add(point);
            left.RemoveAt(best);
            closeness.RemoveAt(best);
            nearest.RemoveAt(best);
            for (var at = 0; at < left.Count; at++) nearest[at] = MathF.Max(nearest[at], VectorScore.Likeness(column, vector, left[at].Vector));
        }

        return chosen;

        float Worth(int at) => chosen.Count == 0 ? closeness[at] : (relevance * closeness[at]) - ((1 - relevance) * nearest[at]);
    }
}
