using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Wire;

namespace Holdfast.Vectors.Tests.Graphs;

/// <summary>What codes say of distances, against the distances themselves; and that what was learnt is the same when it is read back.</summary>
public sealed unsafe class CodecTests
{
    private const int Size = 96;

    [Theory]
    [InlineData(Distance.Cosine, 4, 0.02)]
    [InlineData(Distance.Euclid, 4, 0.02)]
    [InlineData(Distance.Cosine, 2, 0.08)]
    [InlineData(Distance.Cosine, 1, 0.2)]
    public void Turned_codes_estimate_without_a_bias(Distance distance, int bits, double spread)
    {
        var clusters = new Clusters(Size, 5);
        var vectors = Enumerable.Range(0, 500).Select(_ => clusters.Next()).ToArray();
        var codec = TurnedCodec.Learn(distance, Size, vectors.SelectMany(each => each).ToArray(), bits);
        var rows = new RowMemory(codec.RowBytes, vectors.Length, isPadded: false);
        for (var row = 0; row < vectors.Length; row++)
            fixed (float* vector = vectors[row]) codec.ToRow(vector, rows.Row(row));
        var walker = codec.Walker(rows, new LinkTable(new GraphOptions(), 16));
        var query = new PinnedBuffer<byte>(walker.QueryBytes);
        var errors = new List<double>();
        for (var asked = 0; asked < 20; asked++)
        {
            var wanted = clusters.Next();
            fixed (float* vector = wanted) codec.ToQuery(vector, query.First);
            for (var row = 0; row < vectors.Length; row++)
                errors.Add(walker.DistanceTo(query.First, row) - (distance == Distance.Euclid ? Clusters.Square(vectors[row], wanted) : Clusters.Cosine(vectors[row], wanted)));
        }

        Assert.True(Math.Abs(errors.Average()) < spread / 10, $"mean {errors.Average()}");
        Assert.True(Math.Sqrt(errors.Average(error => error * error)) < spread, $"spread {Math.Sqrt(errors.Average(error => error * error))}");
    }

    [Theory]
    [InlineData(256)]
    [InlineData(384)]
    [InlineData(96)]
    public void A_turn_keeps_lengths_and_angles_and_spreads_what_was_in_one_place(int size)
    {
        var turning = new Turning(size);
        var (one, other) = (new float[size], new float[size]);
        one[3] = 2;
        other[3] = 1;
        other[size - 1] = -1;
        turning.Turn(one);
        turning.Turn(other);
        Assert.Equal(4, one.Sum(each => each * each), 1e-3);
        Assert.Equal(2, one.Zip(other, (x, y) => x * y).Sum(), 1e-3);
        Assert.True(one.Max(MathF.Abs) < 0.8f);
    }

    [Theory]
    [InlineData("Int8")]
    [InlineData("Binary")]
    [InlineData("Product")]
    [InlineData("Turned")]
    public void What_was_learnt_is_the_same_when_it_is_read_back(string encoding)
    {
        var quantization = new Quantization { Encoding = Enum.Parse<GraphEncoding>(encoding), Compression = 8 };
        var clusters = new Clusters(Size, 6);
        var codec = RowCodec.Learn(quantization, Distance.Euclid, Size, Enumerable.Range(0, 300).SelectMany(_ => clusters.Next()).ToArray())!;
        var written = new ByteBuffer();
        codec.Write(new SpanWriter(written));
        var reader = new SpanReader(written.Written);
        var again = RowCodec.Read(quantization, Distance.Euclid, Size, ref reader)!;
        var (one, other) = (new byte[codec.RowBytes], new byte[again.RowBytes]);
        fixed (float* vector = clusters.Next())
        fixed (byte* first = one)
        fixed (byte* second = other)
        {
            codec.ToRow(vector, first);
            again.ToRow(vector, second);
        }

        Assert.Equal(one, other);
    }
}
