using Holdfast.Primitives;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;

namespace Holdfast.VectorBench;

/// <summary>The product's index over a data set: one segment, searched as a shard searches it. Before it is built everything is measured one by one.</summary>
internal sealed unsafe class OwnSubject : ISubject
{
    private readonly DataSet set;
    private readonly Segment segment;
    private readonly VectorParams column;
    private readonly float[] padded;
    private int ef;

    public OwnSubject(DataSet set, Quantization quantization)
    {
        this.set = set;
        padded = new float[(set.Dims + 31) / 32 * 32];
        column = new VectorParams { Name = "", Size = set.Dims, Distance = set.IsCosine ? Distance.Cosine : Distance.Euclid, Quantization = quantization, Graph = new GraphOptions { M = 16, EfConstruct = 200 } };
        var store = new PointStore([column], set.Rows);
        for (var row = 0; row < set.Rows; row++) store.Upsert(new PointWrite(PointId.Of((ulong)row), Payload.Empty, [new("", set.Vectors.AsSpan(row * set.Dims, set.Dims).ToArray())]), new LogIndex(1));
        store.Publish();
        segment = store.Segments[0];
    }

    public void Build()
    {
        var rows = segment.Columns[0];
        var index = rows.Index = new VectorIndex(column, rows.Rows, set.Vectors.AsSpan(0, Math.Min(set.Vectors.Length, 2000 * set.Dims)).ToArray());
        var scratch = segment.Scratch.Rent();
        for (var row = 0; row < set.Rows; row++) index.Insert(row, null, scratch);
        segment.Scratch.Return(scratch);
        index.Advance(set.Rows);
    }

    public void Expand(int wanted) => ef = wanted;

    public void Search(int query, Span<int> found)
    {
        set.Queries.AsSpan(query * set.Dims, set.Dims).CopyTo(padded);
        var best = new BestRows(DataSet.Wanted);
        SegmentSearch.Run(segment, 0, new SegmentQuestion { Query = padded, Limit = DataSet.Wanted, Ef = ef }, best);
        for (var at = 0; at < DataSet.Wanted; at++) found[at] = at < best.Rows.Count ? best.Rows[at].Row : -1;
    }
}
