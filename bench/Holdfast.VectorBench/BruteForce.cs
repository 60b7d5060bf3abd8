using Holdfast.Vectors.Graphs;

namespace Holdfast.VectorBench;

/// <summary>The truth, through the product's own exact scan, and how hard a set is.</summary>
internal static class BruteForce
{
    public static int[] Closest(DataSet set)
    {
        var subject = new OwnSubject(set, new Quantization { Encoding = GraphEncoding.Exact });
        var truth = new int[set.QueryCount * DataSet.Wanted];
        for (var query = 0; query < set.QueryCount; query++) subject.Search(query, truth.AsSpan(query * DataSet.Wanted, DataSet.Wanted));
        return truth;
    }

    /// <summary>
    /// The relative contrast (mean distance over distance to the tenth) and the local intrinsic dimension (maximum likelihood over the ten): small contrast and many dimensions are hard.
    /// </summary>
    public static string Hardness(DataSet set)
    {
        var (contrast, dimension, count) = (0.0, 0.0, 0);
        for (var query = 0; query < set.QueryCount; query += 10)
        {
            var mean = 0.0;
            for (var row = 0; row < set.Rows; row += 100) mean += Distance(set, query, row);
            mean /= (set.Rows + 99) / 100;
            var far = Distance(set, query, set.Truth[(query * DataSet.Wanted) + DataSet.Wanted - 1]);
            if (far <= 0) continue;
            var sum = 0.0;
            for (var at = 0; at < DataSet.Wanted - 1; at++) sum += Math.Log(far / Math.Max(1e-6, Distance(set, query, set.Truth[(query * DataSet.Wanted) + at])));
            if (sum <= 0) continue;
            contrast += mean / far;
            dimension += (DataSet.Wanted - 1) / sum;
            count++;
        }

        return FormattableString.Invariant($"{set.Name} relative-contrast {contrast / count:F2} local-dimension {dimension / count:F1}");
    }

    private static double Distance(DataSet set, int query, int row)
    {
        var sum = 0.0;
        for (var at = 0; at < set.Dims; at++)
        {
            var apart = (double)set.Vectors[(row * set.Dims) + at] - set.Queries[(query * set.Dims) + at];
            sum += apart * apart;
        }

        return Math.Sqrt(sum);
    }
}
