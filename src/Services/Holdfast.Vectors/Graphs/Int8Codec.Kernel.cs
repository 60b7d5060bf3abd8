using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Components as codes from -127 to 127, by one middle and one scale for a whole segment, learnt from its first rows so that all but one component in a thousand fit; the rest are clamped, and what is
/// found is measured again by the full vectors. Under the dot product the middle is zero.
/// </summary>
internal sealed unsafe class Int8Codec
{
    private const double FittingShare = 0.999;
    private const int SampleMax = 1 << 20;

    private readonly int size;
    private readonly float middle;
    private readonly float scale;

    private Int8Codec(int size, float middle, float scale) => (this.size, this.middle, this.scale) = (size, middle, scale);

    /// <summary>Bytes of a row of codes.</summary>
    public int RowBytes => RowMemory.Padded(size);

    /// <summary>How much one code is worth.</summary>
    public float Step => 1 / scale;

    /// <summary>Learns from components.</summary>
    /// <param name="size">Components of a vector.</param>
    /// <param name="sample">Components of some vectors; reordered.</param>
    /// <param name="isCentred">Whether the middle must be zero.</param>
    public static Int8Codec Learn(int size, Span<float> sample, bool isCentred)
    {
        if (sample.Length > SampleMax) sample = sample[..SampleMax];
        if (sample.Length == 0) return new Int8Codec(size, 0, 127);
        sample.Sort();
        var left = (int)((sample.Length - 1) * ((1 - FittingShare) / 2));
        var (low, high) = (sample[left], sample[sample.Length - 1 - left]);
        var middle = isCentred ? 0 : (low + high) / 2;
        var reach = Math.Max(high - middle, middle - low);
        return new Int8Codec(size, middle, reach > 0 ? 127 / reach : 127);
    }

    /// <summary>Writes a vector's codes as a row: 128 is added, and it is padded with what means zero.</summary>
    public void ToRow(float* vector, byte* row)
    {
        for (var at = 0; at < size; at++) row[at] = (byte)(Code(vector[at]) + 128);
        for (var at = size; at < RowBytes; at++) row[at] = 128;
    }

    /// <summary>Writes a vector's codes as a query, and behind them what a row's offset adds to a dot product with it.</summary>
    public void ToQuery(float* vector, byte* query)
    {
        var sum = 0;
        for (var at = 0; at < size; at++)
        {
            var code = Code(vector[at]);
            query[at] = (byte)(sbyte)code;
            sum += code;
        }

        for (var at = size; at < RowBytes; at++) query[at] = 0;
        *(int*)(query + RowBytes) = 128 * sum;
    }

    private int Code(float component) => (int)Math.Clamp(MathF.Round((component - middle) * scale), -127, 127);
}
