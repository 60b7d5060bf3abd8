namespace Holdfast.Vectors.Tests.Graphs;

/// <summary>Vectors in clusters of unequal size, as embeddings lie, and what brute force finds among them.</summary>
internal sealed class Clusters
{
    private readonly Random dice;
    private readonly float[][] centres;

    public Clusters(int size, int seed, int clusters = 64)
    {
        dice = new Random(seed);
        Size = size;
        centres = [.. Enumerable.Range(0, clusters).Select(_ => Gaussian(1))];
    }

    public int Size { get; }

    public float[] Next(bool isNormalised = true)
    {
        var centre = centres[(int)(centres.Length * dice.NextDouble() * dice.NextDouble())];
        var vector = Gaussian(0.7f);
        for (var at = 0; at < Size; at++) vector[at] += centre[at];
        if (!isNormalised) return vector;
        var length = MathF.Sqrt(vector.Sum(each => each * each));
        for (var at = 0; at < Size; at++) vector[at] /= length;
        return vector;
    }

    public static int[] Closest(IReadOnlyList<float[]> rows, float[] query, int count, Func<float[], float[], double> distance, Func<int, bool>? isAdmitted = null) =>
        [.. Enumerable.Range(0, rows.Count).Where(row => isAdmitted is null || isAdmitted(row)).OrderBy(row => distance(rows[row], query)).Take(count)];

    public static double Cosine(float[] one, float[] other)
    {
        var sum = 0.0;
        for (var at = 0; at < one.Length; at++) sum -= one[at] * other[at];
        return sum;
    }

    public static double Angle(float[] one, float[] other) => Cosine(one, other) / Math.Sqrt(Cosine(one, one) * Cosine(other, other));

    public static double Square(float[] one, float[] other)
    {
        var sum = 0.0;
        for (var at = 0; at < one.Length; at++) sum += (one[at] - other[at]) * (one[at] - other[at]);
        return sum;
    }

    public static double Manhattan(float[] one, float[] other)
    {
        var sum = 0.0;
        for (var at = 0; at < one.Length; at++) sum += Math.Abs(one[at] - other[at]);
        return sum;
    }

    private float[] Gaussian(float width)
    {
        var vector = new float[Size];
        for (var at = 0; at < Size; at++) vector[at] = width * (float)(Math.Sqrt(-2 * Math.Log(1 - dice.NextDouble())) * Math.Cos(2 * Math.PI * dice.NextDouble()));
        return vector;
    }
}
