using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Wire;

namespace Holdfast.Vectors.Graphs;

/// <summary>Turns vectors into small rows by which a graph is walked, and queries into what is compared with them. Learnt once per segment from some of its rows; immutable.</summary>
internal abstract unsafe class RowCodec
{
    /// <summary>Vectors from which a codec learns.</summary>
    public const int SampleRows = 2000;

    /// <summary>Bytes from one row to the next.</summary>
    public abstract int RowBytes { get; }

    /// <summary>Whether a graph can be built by these rows; else it is built by the full vectors, because what is linked badly is not found by any rescoring.</summary>
    public virtual bool IsFineEnoughToBuildBy => false;

    /// <summary>Writes a vector's row.</summary>
    public abstract void ToRow(float* vector, byte* row);

    /// <summary>Writes a query as the walker wants it.</summary>
    public abstract void ToQuery(float* vector, byte* query);

    /// <summary>A walker through a graph by rows of this codec.</summary>
    public abstract GraphWalker Walker(RowMemory rows, LinkTable links);

    /// <summary>Writes what was learnt.</summary>
    public abstract void Write(SpanWriter writer);

    /// <summary>Learns from some vectors; null where graphs are walked by the full ones.</summary>
    /// <param name="quantization">How.</param>
    /// <param name="distance">How vectors are compared.</param>
    /// <param name="size">Components of a vector.</param>
    /// <param name="sample">Components of whole vectors, one behind another; may be reordered.</param>
    public static RowCodec? Learn(Quantization quantization, Distance distance, int size, Span<float> sample) => EncodingOf(quantization, distance) switch
    {
        GraphEncoding.Int8 => Int8Codec.Learn(distance, size, sample, quantization.Quantile),
        GraphEncoding.Binary => new BinaryCodec(size),
        GraphEncoding.Product => ProductCodec.Learn(distance, size, sample, quantization.Compression),
        GraphEncoding.Turned => TurnedCodec.Learn(distance, size, sample, quantization.Bits),
        _ => null,
    };

    /// <summary>Reads what <see cref="Write"/> wrote; null for bytes that are none.</summary>
    public static RowCodec? Read(Quantization quantization, Distance distance, int size, ref SpanReader reader) => EncodingOf(quantization, distance) switch
    {
        GraphEncoding.Int8 => Int8Codec.Read(distance, size, ref reader),
        GraphEncoding.Binary => new BinaryCodec(size),
        GraphEncoding.Product => ProductCodec.Read(distance, size, quantization.Compression, ref reader),
        GraphEncoding.Turned => TurnedCodec.Read(distance, size, quantization.Bits, ref reader),
        _ => null,
    };

    /// <summary>What is in fact used: neither turning nor signs keep the sum of differences, so there 8-bit codes take their place.</summary>
    public static GraphEncoding EncodingOf(Quantization quantization, Distance distance) =>
        distance == Distance.Manhattan && quantization.Encoding is GraphEncoding.Turned or GraphEncoding.Binary ? GraphEncoding.Int8 : quantization.Encoding;

    /// <summary>Floats in the room's formats.</summary>
    protected static void WriteFloats(SpanWriter writer, ReadOnlySpan<float> values) => writer.WriteBlock(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values));

    /// <summary>Floats, so many; null when there are others.</summary>
    protected static float[]? ReadFloats(ref SpanReader reader, int count)
    {
        var bytes = reader.ReadBlock();
        return reader.IsWhole && bytes.Length == count * sizeof(float) ? System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray() : null;
    }
}
