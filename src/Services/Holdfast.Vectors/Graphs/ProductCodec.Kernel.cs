using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Wire;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Vectors cut into equal parts, and of each part the number of the closest of 256 middles, which are learnt from a sample (Jégou, Douze and Schmid, "Product quantization for nearest neighbor search"). A query
/// becomes a table of what each middle adds to its distance.
/// </summary>
internal sealed unsafe class ProductCodec : RowCodec
{
    private const int Middles = 256;
    private const int Rounds = 8;

    private readonly Distance distance;
    private readonly int size;
    private readonly int width;
    private readonly int parts;
    private readonly float[] middles;

    private ProductCodec(Distance distance, int size, int compression, float[]? middles)
    {
        (this.distance, this.size) = (distance, size);
        width = Math.Max(1, compression / sizeof(float));
        parts = (size + width - 1) / width;
        this.middles = middles ?? new float[LengthOf(size, compression)];
    }

    /// <inheritdoc/>
    public override int RowBytes => (parts + 7) / 8 * 8;

    /// <summary>Learns the middles of every part: 256 rows of the sample to begin with, moved a few times to the mean of those that are closest to them (Lloyd).</summary>
    public static ProductCodec Learn(Distance distance, int size, ReadOnlySpan<float> sample, int compression)
    {
        var codec = new ProductCodec(distance, size, compression, null);
        var rows = sample.Length / Math.Max(1, size);
        if (rows > 0)
            for (var part = 0; part < codec.parts; part++) codec.LearnPart(part, sample, rows);
        return codec;
    }

    /// <summary>Reads what was written.</summary>
    public static ProductCodec? Read(Distance distance, int size, int compression, ref SpanReader reader) =>
        ReadFloats(ref reader, LengthOf(size, compression)) is { } middles ? new ProductCodec(distance, size, compression, middles) : null;

    /// <inheritdoc/>
    public override void Write(SpanWriter writer) => WriteFloats(writer, middles);

    /// <inheritdoc/>
    public override GraphWalker Walker(RowMemory rows, LinkTable links) => new GraphWalker<ProductLookup>(rows, links);

    /// <inheritdoc/>
    public override void ToRow(float* vector, byte* row)
    {
        for (var part = 0; part < parts; part++) row[part] = (byte)ClosestOf(part, vector + (part * width), WidthOf(part));
        for (var part = parts; part < RowBytes; part++) row[part] = 0;
    }

    /// <inheritdoc/>
    public override void ToQuery(float* vector, byte* query)
    {
        var table = (float*)query;
        new Span<float>(table, RowBytes * Middles).Clear();
        for (var part = 0; part < parts; part++)
            for (var middle = 0; middle < Middles; middle++)
            {
                var sum = 0f;
                var at = MiddleOf(part, middle);
                for (var each = 0; each < WidthOf(part); each++)
                {
                    var (here, there) = (vector[(part * width) + each], middles[at + each]);
                    sum += distance switch { Distance.Euclid => (here - there) * (here - there), Distance.Manhattan => MathF.Abs(here - there), _ => -here * there };
                }

                table[(part * Middles) + middle] = sum;
            }
    }

    private static int LengthOf(int size, int compression)
    {
        var width = Math.Max(1, compression / sizeof(float));
        return (size + width - 1) / width * width * Middles;
    }

    private int WidthOf(int part) => Math.Min(width, size - (part * width));

    private int MiddleOf(int part, int middle) => ((part * Middles) + middle) * width;

    private int ClosestOf(int part, float* values, int count)
    {
        var (best, least) = (0, float.MaxValue);
        for (var middle = 0; middle < Middles; middle++)
        {
            var sum = 0f;
            var at = MiddleOf(part, middle);
            for (var each = 0; each < count; each++) sum += (values[each] - middles[at + each]) * (values[each] - middles[at + each]);
            if (sum < least) (best, least) = (middle, sum);
        }

        return best;
    }

    private void LearnPart(int part, ReadOnlySpan<float> sample, int rows)
    {
        var count = WidthOf(part);
        for (var middle = 0; middle < Middles; middle++)
            sample.Slice(((int)((long)middle * rows / Middles) * size) + (part * width), count).CopyTo(middles.AsSpan(MiddleOf(part, middle)));
        var sums = new double[Middles * width];
        var counts = new int[Middles];
        for (var round = 0; round < Rounds; round++)
        {
            Array.Clear(sums);
            Array.Clear(counts);
            for (var row = 0; row < rows; row++)
            {
                var values = sample.Slice((row * size) + (part * width), count);
                int closest;
                fixed (float* first = values) closest = ClosestOf(part, first, count);
                counts[closest]++;
                for (var each = 0; each < count; each++) sums[(closest * width) + each] += values[each];
            }

            for (var middle = 0; middle < Middles; middle++)
                for (var each = 0; each < count && counts[middle] > 0; each++) middles[MiddleOf(part, middle) + each] = (float)(sums[(middle * width) + each] / counts[middle]);
        }
    }
}
