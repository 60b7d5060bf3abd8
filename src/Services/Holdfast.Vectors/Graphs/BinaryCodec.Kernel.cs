using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Wire;

namespace Holdfast.Vectors.Graphs;

/// <summary>The signs of the components: thirty-two times smaller than floats. Good where components lie around zero and there are many of them.</summary>
internal sealed unsafe class BinaryCodec(int size) : RowCodec
{
    /// <inheritdoc/>
    public override int RowBytes => RowMemory.Padded((size + 7) / 8);

    /// <inheritdoc/>
    public override void ToRow(float* vector, byte* row)
    {
        new Span<byte>(row, RowBytes).Clear();
        for (var at = 0; at < size; at++)
            if (vector[at] > 0) row[at >> 3] |= (byte)(1 << (at & 7));
    }

    /// <inheritdoc/>
    public override void ToQuery(float* vector, byte* query) => ToRow(vector, query);

    /// <inheritdoc/>
    public override GraphWalker Walker(RowMemory rows, LinkTable links) => new GraphWalker<BinaryHamming>(rows, links);

    /// <inheritdoc/>
    public override void Write(SpanWriter writer)
    {
    }
}
