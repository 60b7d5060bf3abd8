using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Graphs;

/// <summary>Chooses the compiled metric for what a column compares and how it stores.</summary>
internal static unsafe class GraphFactory
{
    /// <summary>A graph over full vectors.</summary>
    public static VectorGraph OverVectors(RowMemory rows, VectorParams column) => (column.Distance, column.Datatype) switch
    {
        (Distance.Euclid, VectorDatatype.Float32) => new HnswGraph<FloatMetric<SquareStep, SingleRows, Apart>>(rows, column.Graph),
        (Distance.Manhattan, VectorDatatype.Float32) => new HnswGraph<FloatMetric<AbsoluteStep, SingleRows, Apart>>(rows, column.Graph),
        (_, VectorDatatype.Float32) => new HnswGraph<FloatMetric<DotStep, SingleRows, Similar>>(rows, column.Graph),
        (Distance.Euclid, _) => new HnswGraph<FloatMetric<SquareStep, HalfRows, Apart>>(rows, column.Graph),
        (Distance.Manhattan, _) => new HnswGraph<FloatMetric<AbsoluteStep, HalfRows, Apart>>(rows, column.Graph),
        _ => new HnswGraph<FloatMetric<DotStep, HalfRows, Similar>>(rows, column.Graph),
    };

    /// <summary>A graph over 8-bit codes.</summary>
    public static VectorGraph OverCodes(RowMemory codes, Distance distance, GraphOptions options) => distance switch
    {
        Distance.Euclid => new HnswGraph<Int8Euclid>(codes, options),
        Distance.Manhattan => new HnswGraph<Int8Manhattan>(codes, options),
        _ => new HnswGraph<Int8Dot>(codes, options),
    };

    /// <summary>From a query of floats to a stored full vector; smaller is closer.</summary>
    public static delegate*<byte*, byte*, int, float> MetricOf(VectorParams column) => (column.Distance, column.Datatype) switch
    {
        (Distance.Euclid, VectorDatatype.Float32) => &FloatMetric<SquareStep, SingleRows, Apart>.Of,
        (Distance.Manhattan, VectorDatatype.Float32) => &FloatMetric<AbsoluteStep, SingleRows, Apart>.Of,
        (_, VectorDatatype.Float32) => &FloatMetric<DotStep, SingleRows, Similar>.Of,
        (Distance.Euclid, _) => &FloatMetric<SquareStep, HalfRows, Apart>.Of,
        (Distance.Manhattan, _) => &FloatMetric<AbsoluteStep, HalfRows, Apart>.Of,
        _ => &FloatMetric<DotStep, HalfRows, Similar>.Of,
    };
}
