using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Graphs;

/// <summary>Chooses the compiled metric for what a column compares and how it stores.</summary>
internal static unsafe class GraphFactory
{
    /// <summary>Builds a graph by full vectors.</summary>
    public static GraphBuilder BuilderOverVectors(RowMemory rows, VectorParams column, LinkTable links) => Choose<GraphBuilder, BuilderChoice>(column, new BuilderChoice(rows, column.Graph, links));

    /// <summary>Builds a graph by 8-bit codes.</summary>
    public static GraphBuilder BuilderOverCodes(RowMemory codes, VectorParams column, LinkTable links) => column.Distance switch
    {
        Distance.Euclid => new HnswGraph<Int8Euclid>(codes, column.Graph, links),
        Distance.Manhattan => new HnswGraph<Int8Manhattan>(codes, column.Graph, links),
        _ => new HnswGraph<Int8Dot>(codes, column.Graph, links),
    };

    /// <summary>Walks through a graph by full vectors.</summary>
    public static GraphWalker WalkerOverVectors(RowMemory rows, VectorParams column, LinkTable links) => Choose<GraphWalker, WalkerChoice>(column, new WalkerChoice(rows, links));

    /// <summary>From a query of floats to a stored full vector; smaller is closer.</summary>
    public static delegate*<byte*, byte*, int, float> MetricOf(VectorParams column) => (column.Distance, column.Datatype) switch
    {
        (Distance.Euclid, VectorDatatype.Float32) => &FloatMetric<SquareStep, SingleRows, Apart>.Of,
        (Distance.Manhattan, VectorDatatype.Float32) => &FloatMetric<AbsoluteStep, SingleRows, Apart>.Of,
        (_, VectorDatatype.Float32) => &FloatMetric<DotStep, SingleRows, Similar>.Of,
        (Distance.Euclid, VectorDatatype.Float16) => &FloatMetric<SquareStep, HalfRows, Apart>.Of,
        (Distance.Manhattan, VectorDatatype.Float16) => &FloatMetric<AbsoluteStep, HalfRows, Apart>.Of,
        (_, VectorDatatype.Float16) => &FloatMetric<DotStep, HalfRows, Similar>.Of,
        (Distance.Euclid, _) => &FloatMetric<SquareStep, ByteRows, Apart>.Of,
        (Distance.Manhattan, _) => &FloatMetric<AbsoluteStep, ByteRows, Apart>.Of,
        (Distance.Cosine, _) => &ByteCosine.Of,
        _ => &FloatMetric<DotStep, ByteRows, Similar>.Of,
    };

    private static TResult Choose<TResult, TChoice>(VectorParams column, TChoice choice)
        where TChoice : struct, IMetricChoice<TResult> => (column.Distance, column.Datatype) switch
        {
            (Distance.Euclid, VectorDatatype.Float32) => choice.With<FloatMetric<SquareStep, SingleRows, Apart>>(),
            (Distance.Manhattan, VectorDatatype.Float32) => choice.With<FloatMetric<AbsoluteStep, SingleRows, Apart>>(),
            (_, VectorDatatype.Float32) => choice.With<FloatMetric<DotStep, SingleRows, Similar>>(),
            (Distance.Euclid, VectorDatatype.Float16) => choice.With<FloatMetric<SquareStep, HalfRows, Apart>>(),
            (Distance.Manhattan, VectorDatatype.Float16) => choice.With<FloatMetric<AbsoluteStep, HalfRows, Apart>>(),
            (_, VectorDatatype.Float16) => choice.With<FloatMetric<DotStep, HalfRows, Similar>>(),
            (Distance.Euclid, _) => choice.With<FloatMetric<SquareStep, ByteRows, Apart>>(),
            (Distance.Manhattan, _) => choice.With<FloatMetric<AbsoluteStep, ByteRows, Apart>>(),
            (Distance.Cosine, _) => choice.With<ByteCosine>(),
            _ => choice.With<FloatMetric<DotStep, ByteRows, Similar>>(),
        };

    /// <summary>What is made once the metric is known.</summary>
    private interface IMetricChoice<out TResult>
    {
        TResult With<TMetric>()
            where TMetric : struct, IRowMetric;
    }

    private readonly struct BuilderChoice(RowMemory rows, GraphOptions options, LinkTable links) : IMetricChoice<GraphBuilder>
    {
        public GraphBuilder With<TMetric>()
            where TMetric : struct, IRowMetric => new HnswGraph<TMetric>(rows, options, links);
    }

    private readonly struct WalkerChoice(RowMemory rows, LinkTable links) : IMetricChoice<GraphWalker>
    {
        public GraphWalker With<TMetric>()
            where TMetric : struct, IRowMetric => new GraphWalker<TMetric>(rows, links);
    }
}
