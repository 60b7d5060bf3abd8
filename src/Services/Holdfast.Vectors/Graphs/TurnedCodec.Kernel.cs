using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Wire;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Vectors taken relative to the middle of a sample, turned at random, and each component as one of two, four or sixteen steps; the steps' width is chosen per row so that the codes point as nearly as they can
/// where the vector does, and a factor per row makes what they say of a dot product unbiased (Gao and Long, "RaBitQ"; Gao et al., "Practical and asymptotically optimal quantization"). Queries keep 8 bits.
/// </summary>
internal sealed unsafe class TurnedCodec : RowCodec
{
    private const int WidthsTried = 12;

    private readonly Distance distance;
    private readonly int size;
    private readonly int bits;
    private readonly int turned;
    private readonly float[] middle;
    private readonly Turning turning;

    private TurnedCodec(Distance distance, int size, int bits, float[] middle)
    {
        (this.distance, this.size, this.bits, this.middle) = (distance, size, bits, middle);
        turned = (size + BlockOf(bits) - 1) / BlockOf(bits) * BlockOf(bits);
        turning = new Turning(turned);
    }

    /// <inheritdoc/>
    public override int RowBytes => (turned * bits / 8) + PackedDot<FourBits>.RowTail;

    /// <summary>Learns the middle.</summary>
    public static TurnedCodec Learn(Distance distance, int size, ReadOnlySpan<float> sample, int bits)
    {
        var middle = new float[size];
        var rows = sample.Length / Math.Max(1, size);
        for (var row = 0; row < rows; row++)
            for (var at = 0; at < size; at++) middle[at] += sample[(row * size) + at] / rows;
        return new TurnedCodec(distance, size, bits, middle);
    }

    /// <summary>Reads what was written.</summary>
    public static TurnedCodec? Read(Distance distance, int size, int bits, ref SpanReader reader) => ReadFloats(ref reader, size) is { } middle ? new TurnedCodec(distance, size, bits, middle) : null;

    /// <inheritdoc/>
    public override void Write(SpanWriter writer) => WriteFloats(writer, middle);

    /// <inheritdoc/>
    public override GraphWalker Walker(RowMemory rows, LinkTable links) => bits switch
    {
        1 => new GraphWalker<PackedDot<OneBit>>(rows, links),
        2 => new GraphWalker<PackedDot<TwoBits>>(rows, links),
        _ => new GraphWalker<PackedDot<FourBits>>(rows, links),
    };

    /// <inheritdoc/>
    public override void ToRow(float* vector, byte* row)
    {
        var values = new float[turned];
        Span<byte> codes = new byte[turned];
        var (length, toMiddle) = Relative(vector, values);
        turning.Turn(values);
        var product = Choose(values, codes);
        switch (bits)
        {
            case 1: PackedKernel<OneBit>.Pack(codes, row); break;
            case 2: PackedKernel<TwoBits>.Pack(codes, row); break;
            default: PackedKernel<FourBits>.Pack(codes, row); break;
        }

        // What stands between the codes' dot product with the query and the vector's own.
        var factor = product > 0 ? length / product : 0;
        var tail = (float*)(row + RowBytes - PackedDot<FourBits>.RowTail);
        (tail[0], tail[1]) = distance == Distance.Euclid ? (2 * factor, length) : (factor, -toMiddle);
    }

    /// <inheritdoc/>
    public override void ToQuery(float* vector, byte* query)
    {
        var values = new float[turned];
        var (length, toMiddle) = Relative(vector, values);
        turning.Turn(values);
        var most = 0f;
        foreach (var value in values) most = Math.Max(most, MathF.Abs(value));
        var scale = most > 0 ? 127 / most : 0;
        var codes = (sbyte*)query + PackedDot<FourBits>.QueryHead;
        var sum = 0;
        for (var at = 0; at < turned; at++)
        {
            codes[at] = (sbyte)MathF.Round(values[at] * scale);
            sum += codes[at];
        }

        // <o, q> = <o - m, q - m> + <o, m> + <q, m> - <m, m>: the row knows the second, the query the other two.
        var head = (float*)query;
        head[0] = distance == Distance.Euclid ? length : -(toMiddle - MiddleSquare());
        head[1] = scale > 0 ? 1 / scale : 0;
        head[2] = head[1] * sum * ((1 << bits) - 1) / 2f;
    }

    private static int BlockOf(int bits) => 32 * (8 / bits);

    private float MiddleSquare()
    {
        var sum = 0f;
        foreach (var value in middle) sum += value * value;
        return sum;
    }

    /// <summary>The vector from the middle; its square length, and the vector's dot product with the middle.</summary>
    private (float Length, float ToMiddle) Relative(float* vector, Span<float> values)
    {
        var (length, toMiddle) = (0f, 0f);
        for (var at = 0; at < size; at++)
        {
            values[at] = vector[at] - middle[at];
            length += values[at] * values[at];
            toMiddle += vector[at] * middle[at];
        }

        return (length, toMiddle);
    }

    /// <summary>The codes that point most nearly where the values do; returns their dot product with them, the codes counted from their middle.</summary>
    private float Choose(ReadOnlySpan<float> values, Span<byte> codes)
    {
        var most = 0f;
        foreach (var value in values) most = Math.Max(most, MathF.Abs(value));
        var centre = ((1 << bits) - 1) / 2f;
        if (bits == 1 || most == 0) return Code(values, codes, 1e-3f, centre).Product;
        var (best, bestWidth) = (-1f, 0f);
        for (var tried = 1; tried <= WidthsTried; tried++)
        {
            var width = most / (centre + 0.5f) * tried / WidthsTried;
            var (product, square) = Code(values, codes, width, centre);
            if (product / MathF.Sqrt(square) > best) (best, bestWidth) = (product / MathF.Sqrt(square), width);
        }

        return Code(values, codes, bestWidth, centre).Product;
    }

    private static (float Product, float Square) Code(ReadOnlySpan<float> values, Span<byte> codes, float width, float centre)
    {
        var (product, square) = (0f, 0f);
        for (var at = 0; at < values.Length; at++)
        {
            var code = Math.Clamp(MathF.Round((values[at] / width) + centre), 0, 2 * centre);
            codes[at] = (byte)code;
            product += values[at] * (code - centre);
            square += (code - centre) * (code - centre);
        }

        return (product, square);
    }
}
