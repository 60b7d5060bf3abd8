using System.Numerics;
using System.Runtime.InteropServices;
using Holdfast.Vectors.Kernels;

namespace Holdfast.Vectors.Queries;

/// <summary>How alike two vectors are that a reader holds: for choosing among a few that were found, and for matrices of samples.</summary>
internal static class VectorScore
{
    /// <summary>The score as clients see it.</summary>
    public static float Of(Distance distance, ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        var (sum, at) = (0f, 0);
        var left = MemoryMarshal.Cast<float, Vector<float>>(one);
        var right = MemoryMarshal.Cast<float, Vector<float>>(other);
        var sums = Vector<float>.Zero;
        for (; at < Math.Min(left.Length, right.Length); at++) sums += Step(distance, left[at], right[at]);
        sum = Vector.Sum(sums);
        for (at *= Vector<float>.Count; at < one.Length; at++)
        {
            var apart = one[at] - other[at];
            sum += distance switch { Distance.Euclid => apart * apart, Distance.Manhattan => MathF.Abs(apart), _ => one[at] * other[at] };
        }

        return distance == Distance.Euclid ? MathF.Sqrt(sum) : sum;
    }

    /// <summary>More is closer, whatever the distance.</summary>
    public static float Likeness(Distance distance, ReadOnlySpan<float> one, ReadOnlySpan<float> other) => distance.IsSimilarity() ? Of(distance, one, other) : -Of(distance, one, other);

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
    /// <param name="distance">How they are compared.</param>
    /// <param name="relevance">How much nearness to the query counts, 0 to 1.</param>
    /// <param name="limit">How many.</param>
    public static List<FoundPoint> Choose(IReadOnlyList<(FoundPoint Point, float[] Vector)> candidates, float[] query, Distance distance, float relevance, int limit)
    {
        var left = candidates.ToList();
        var closeness = left.Select(each => VectorScore.Likeness(distance, query, each.Vector)).ToList();
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
            for (var at = 0; at < left.Count; at++) nearest[at] = MathF.Max(nearest[at], VectorScore.Likeness(distance, vector, left[at].Vector));
        }

        return chosen;

        float Worth(int at) => chosen.Count == 0 ? closeness[at] : (relevance * closeness[at]) - ((1 - relevance) * nearest[at]);
    }
}
