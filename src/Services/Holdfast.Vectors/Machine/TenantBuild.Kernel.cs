using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine;

/// <summary>
/// Builds the graphs that the large tenants of one column of a sealed segment have for themselves: a walk among one tenant's rows through the graph of all finds its way the worse the fewer of them there are. Where
/// the rows of large tenants lie here and there, because nothing named tenants when they were written, the segment is said to be scattered, and its next writing puts them together.
/// </summary>
internal sealed unsafe class TenantBuild(Segment segment, VectorColumn column, TenantKey key, VectorParams settings, int rowsMin)
{
    /// <summary>Payloads read at a time.</summary>
    private const int PayloadsPerBatch = 2048;

    /// <summary>What is built for.</summary>
    public VectorColumn Column => column;

    /// <inheritdoc cref="Column"/>
    public TenantKey Key => key;

    /// <summary>Carries it out, in batches of some milliseconds.</summary>
    public IEnumerable<bool> Steps()
    {
        var rows = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (var row = 0; row < segment.Visible; row++)
        {
            if (segment.IsLive(row) && key.Of(segment, row) is { } tenant)
            {
                if (!rows.TryGetValue(tenant, out var known)) rows[tenant] = known = [];
                known.Add(row);
            }

            if (row % PayloadsPerBatch == PayloadsPerBatch - 1) yield return true;
        }

        var graphs = new List<TenantGraph>();
        var least = (int)Math.Max(rowsMin, Math.Min(int.MaxValue, settings.ScanRowsMax + 1L));
        foreach (var (tenant, its) in rows.Where(each => TenantRuns.IsLarge(each.Value.Count, segment.LiveCount, least)).OrderByDescending(each => each.Value.Count).ThenBy(each => each.Key, StringComparer.Ordinal).Take(TenantRuns.GraphsMax))
        {
            var run = TenantRuns.Densest(its);
            if (!TenantRuns.IsTogether(its.Count, run.Count))
            {
                segment.IsScattered = true;
                continue;
            }

            var graph = Begin(tenant, run.From & ~63, run.To);
            for (var row = 0; row < graph.To - graph.From;)
            {
                row = InsertSome(graph, row);
                yield return true;
            }

            graph.Index.Advance(graph.To - graph.From);
            graphs.Add(graph);
        }

        column.Tenants = new TenantGraphs(key, graphs);
    }

    private TenantGraph Begin(string tenant, int from, int to)
    {
        var (graph, codes) = (settings.Graph.OfTenants, column.Index?.Codes);
        var rows = to - from;
        return new TenantGraph(tenant, from, to, new VectorIndex(column.Params with { Graph = graph }, column.Rows.Part(from, rows), codes is null ? null : column.Index!.Codec, new LinkTable(graph, rows), codes?.Part(from, rows), 0));
    }

    /// <summary>Rows of others that lie in the run are in it, too: whoever belongs to the tenant later is found.</summary>
    private int InsertSome(TenantGraph graph, int row)
    {
        var scratch = segment.Scratch.Rent();
        for (var left = ShardIndexing.RowsPerBatch; row < graph.To - graph.From && left > 0; row++)
        {
            if (!column.IsLive(graph.From + row)) continue;
            graph.Index.Link(row, column.Live + (graph.From >> 6), scratch);
            left--;
        }

        segment.Scratch.Return(scratch);
        GC.KeepAlive(segment);
        return row;
    }
}
