using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Wire;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Components as codes from -127 to 127, by one middle and one scale for a whole segment, learnt from its first rows so that all but a small share of the components fit; the rest are clamped, and what is
/// found is measured again by the full vectors. Under the dot product the middle is zero.
/// </summary>
internal sealed unsafe class Int8Codec : RowCodec
{
    private const int SampleMax = 1 << 20;

    /// <summary>One component in so many may be clamped; of the rows that taught the codes one in a thousand is.</summary>
    private const int ClampedShare = 50;

    private readonly Distance distance;
    private readonly int size;
    private readonly float middle;
    private readonly float scale;

    private Int8Codec(Distance distance, int size, float middle, float scale) => (this.distance, this.size, this.middle, this.scale) = (distance, size, middle, scale);

    /// <inheritdoc/>
    public override int RowBytes => RowMemory.Padded(size);

    /// <inheritdoc/>
    public override bool IsFineEnoughToBuildBy => true;

    /// <summary>Bytes of a query.</summary>
    public int QueryBytes => RowBytes + RowMemory.LineBytes;

    /// <summary>Learns from components.</summary>
    /// <param name="distance">How vectors are compared.</param>
    /// <param name="size">Components of a vector.</param>
    /// <param name="sample">Components of some vectors; reordered.</param>
    /// <param name="fittingShare">The share of components that must fit.</param>
    public static Int8Codec Learn(Distance distance, int size, Span<float> sample, double fittingShare)
    {
        if (sample.Length > SampleMax) sample = sample[..SampleMax];
        if (sample.Length == 0) return new Int8Codec(distance, size, 0, 127);
        sample.Sort();
        var left = (int)((sample.Length - 1) * ((1 - fittingShare) / 2));
        var (low, high) = (sample[left], sample[sample.Length - 1 - left]);
        var middle = distance.IsCentred() ? 0 : (low + high) / 2;
        var reach = Math.Max(high - middle, middle - low);
        return new Int8Codec(distance, size, middle, reach > 0 ? 127 / reach : 127);
    }

    /// <summary>Reads what was written.</summary>
    public static Int8Codec? Read(Distance distance, int size, ref SpanReader reader) => ReadFloats(ref reader, 2) is { } both ? new Int8Codec(distance, size, both[0], both[1]) : null;

    /// <inheritdoc/>
    public override void Write(SpanWriter writer) => WriteFloats(writer, [middle, scale]);

    /// <inheritdoc/>
    public override GraphWalker Walker(RowMemory rows, LinkTable links) => distance switch
    {
        Distance.Euclid => new GraphWalker<Int8Euclid>(rows, links),
        Distance.Manhattan => new GraphWalker<Int8Manhattan>(rows, links),
        _ => new GraphWalker<Int8Dot>(rows, links),
    };

    /// <summary>Writes a vector's codes as a row: 128 is added, and it is padded with what means zero.</summary>
    public override void ToRow(float* vector, byte* row)
    {
        for (var at = 0; at < size; at++) row[at] = (byte)(Code(vector[at]) + 128);
        for (var at = size; at < RowBytes; at++) row[at] = 128;
    }

    /// <summary>Writes a vector's codes as a query, and behind them what a row's offset adds to a dot product with it.</summary>
    public override void ToQuery(float* vector, byte* query)
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

    /// <summary>How far a vector's furthest component lies from the middle, in steps: beyond 127 it is clamped.</summary>
    public float Reach(float* vector)
    {
        var most = 0f;
        for (var at = 0; at < size; at++) most = MathF.Max(most, MathF.Abs((vector[at] - middle) * scale));
        return most;
    }

    /// <summary>Whether a vector's codes say nearly all about it: of its components hardly any is clamped. What lies elsewhere than the rows that taught the codes is clamped in many.</summary>
    public bool Holds(float* vector)
    {
        var clamped = 0;
        for (var at = 0; at < size; at++)
            if (MathF.Abs((vector[at] - middle) * scale) > 127.5f) clamped++;
        return clamped <= 1 + (size / ClampedShare);
    }

    /// <summary>How far a row of codes is from a query, as a walk measures it.</summary>
    public float Measure(byte* query, byte* row) => distance switch
    {
        Distance.Euclid => Int8Euclid.Of(query, row, RowBytes),
        Distance.Manhattan => Int8Manhattan.Of(query, row, RowBytes),
        _ => Int8Dot.Of(query, row, RowBytes),
    };

    private int Code(float component) => (int)Math.Clamp(MathF.Round((component - middle) * scale), -127, 127);
}
