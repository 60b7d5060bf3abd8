using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;

namespace Holdfast.Vectors.Points;

/// <summary>How a column's components are stored.</summary>
public enum VectorDatatype : byte
{
    /// <summary>Single precision.</summary>
    Float32 = 0,

    /// <summary>Half precision.</summary>
    Float16 = 1,
}

/// <summary>A column of vectors, as a collection defines it once.</summary>
internal sealed record VectorParams
{
    /// <summary>Dimensions that a vector may have.</summary>
    public const int SizeMax = 65536;

    /// <summary>Its name; empty for a collection's only one.</summary>
    public required string Name { get; init; }

    /// <summary>How many components.</summary>
    public required int Size { get; init; }

    /// <summary>How two are compared.</summary>
    public required Distance Distance { get; init; }

    /// <summary>How components are stored.</summary>
    public VectorDatatype Datatype { get; init; }

    /// <summary>How its graphs are built.</summary>
    public GraphOptions Graph { get; init; } = new();

    /// <summary>What its graphs are walked by.</summary>
    public GraphEncoding Encoding { get; init; } = GraphEncoding.Int8;

    /// <summary>Bytes of a stored vector, padded.</summary>
    public int RowBytes => Memory.RowMemory.Padded(Size * (Datatype == VectorDatatype.Float32 ? sizeof(float) : sizeof(ushort)));
}
