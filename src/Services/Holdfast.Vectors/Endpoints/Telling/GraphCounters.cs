using Holdfast.Primitives.Metrics;
using Holdfast.Vectors.Machine.Sharing;

namespace Holdfast.Vectors.Endpoints.Telling;

/// <summary>What building graphs takes on this node, and what other replicas saved it.</summary>
internal static class GraphCounters
{
    /// <summary>Shows it.</summary>
    public static void Show(MetricsRegistry registry, GraphMeters graphs)
    {
        registry.SampledCounter("holdfast_vectors_graph_rows_inserted_total", "Rows that were inserted into graphs on this node, one by one: where the processor time of indexing goes.", () => graphs.RowsInserted);
        registry.SampledCounter("holdfast_vectors_graphs_built_total", "Graphs of sealed segments that were built on this node.", () => graphs.Built);
        registry.SampledCounter("holdfast_vectors_graphs_fetched_total", "Graphs of sealed segments that were taken over from another replica.", () => graphs.Fetched);
        registry.SampledCounter("holdfast_vectors_graphs_fetched_bytes_total", "Bytes of graphs that came from other replicas.", () => graphs.BytesFetched);
        registry.SampledCounter("holdfast_vectors_graphs_refused_total", "Graphs of other replicas that came and were not used: of other rows, damaged, or not leading to their rows.", () => graphs.Refused);
        registry.SampledCounter("holdfast_vectors_graph_waits_ended_total", "Graphs that were waited for in vain, and then built on this node.", () => graphs.WaitsEnded);
    }
}
